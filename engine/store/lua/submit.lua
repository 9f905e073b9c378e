#!lua
-- The one way in for commands from inside: add them and move their source's mark in one step.
-- KEYS     1 sources  2 commands
-- ARGV     1 source  2 mark the reader expects  3 mark after this call
--          then per command: count of its fields' names and values, these
-- Returns  the mark, then the new entries' ids; a mark other than ARGV[3] means: nothing written
-- Errors   any: nothing was written
local mark = redis.call('HGET', KEYS[1], ARGV[1]) or '0-0'
if mark ~= ARGV[2] then
  return {mark}
end
redis.call('XLEN', KEYS[2])
local answer, at = {ARGV[3]}, 4
while at <= #ARGV do
  local last = at + ARGV[at]
  local id = redis.pcall('XADD', KEYS[2], '*', unpack(ARGV, at + 1, last))
  at = last + 1
  if type(id) == 'table' then
    -- A hostile id left no room for all: until it is mended nothing goes in.
    for i = 2, #answer do redis.call('XDEL', KEYS[2], answer[i]) end
    return id
  end
  answer[#answer + 1] = id
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return answer
