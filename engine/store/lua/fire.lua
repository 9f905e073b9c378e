#!lua
-- Make commands of timers that are due by Redis's clock: each is taken off and added in one step.
-- KEYS     1 lease  2 timers  3 timer  4 commands
-- ARGV     1 token  2 how many at the most
-- Returns  the time in ms, when the next is due in ms ('' where none is), how many are left, a list
--          of how many ms late each was that fired, a list of those that cannot be read
-- Errors   FENCED  the lease is not ours: nothing was written
--          any other: the stream gives out no more ids, and none fired. Until it is mended none can
-- What fired stays in `timer` until its command is handled; what cannot be read stays there too.
local call, timers, timer, commands = redis.call, KEYS[2], KEYS[3], KEYS[4]
if call('HGET', KEYS[1], 'token') ~= ARGV[1] then
  return redis.error_reply('FENCED the lease is not ours')
end
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local due = call('ZRANGEBYSCORE', timers, '-inf', string.format('%.0f', now), 'WITHSCORES',
  'LIMIT', 0, ARGV[2])
call('HLEN', timer)
call('XLEN', commands)
local late, damaged = {}, {}
local function is_whole(of)
  for _, name in ipairs({'id', 'type', 'aggregate', 'data', 'meta'}) do
    if type(of[name]) ~= 'string' then return false end
  end
  return true
end
for i = 1, #due, 2 do
  local is_read, of = pcall(cjson.decode, call('HGET', timer, due[i]) or '')
  if is_read and type(of) == 'table' and is_whole(of) then
    local added = redis.pcall('XADD', commands, '*', 'id', of.id, 'type', of.type,
      'aggregate', of.aggregate, 'data', of.data, 'meta', of.meta)
    if type(added) == 'table' then
      if #late + #damaged == 0 then return added end
      break
    end
    late[#late + 1] = now - tonumber(due[i + 1])
  else
    damaged[#damaged + 1] = due[i]
  end
  call('ZREM', timers, due[i])
end
local first = call('ZRANGE', timers, 0, 0, 'WITHSCORES')[2]
local next_due = first and string.format('%.0f', tonumber(first)) or ''
return {now, next_due, call('ZCARD', timers), late, damaged}
