#!lua flags=no-writes
-- Some members of a sorted set in their order, from a rank on or behind a place in that order.
-- KEYS     1 sorted set
-- ARGV     1 1 for the highest first, 0 for the lowest  2 how many
--          3 rank of the first, or: 3 score  4 member of the one before, which may be gone
-- Returns  [how many there are in all, rank of the first, [member, score, member, score …]]
-- Errors   none of its own
-- Members of equal score stand in order of their bytes. There may be thousands of them, so the
-- place among them is found by halving; Lua's own < would go by the locale of the server.
local call, key, highest = redis.call, KEYS[1], ARGV[1] == '1'
local total, start = call('ZCARD', key), tonumber(ARGV[3])
local function compare(a, b)
  for i = 1, math.min(#a, #b) do
    local difference = a:byte(i) - b:byte(i)
    if difference ~= 0 then return difference end
  end
  return #a - #b
end
if ARGV[4] then
  local low = call('ZCOUNT', key, '-inf', '(' .. ARGV[3])
  local high = low + call('ZCOUNT', key, ARGV[3], ARGV[3])
  while low < high do
    local middle = math.floor((low + high) / 2)
    local order = compare(call('ZRANGE', key, middle, middle)[1], ARGV[4])
    if order < 0 or (order == 0 and not highest) then low = middle + 1 else high = middle end
  end
  start = highest and total - low or low
end
local verb = highest and 'ZREVRANGE' or 'ZRANGE'
return {total, start, call(verb, key, start, start + tonumber(ARGV[2]) - 1, 'WITHSCORES')}
