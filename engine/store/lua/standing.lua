#!lua flags=no-writes
-- How one generation stands in one partition: all of one moment.
-- KEYS     1 head  2 the generation's checkpoint and lease  3 its parked aggregates  4 the log
-- ARGV     1 consumer group to look at, or ''  2… fields of the lease
-- Returns  [head's position, [checkpoint's position, lease fields …], [parked aggregate, the
--          position it was parked at, …], [id, meta] of the first event above the checkpoint, or
--          nothing, what XINFO says of the group, or nothing]
-- Errors   none of its own
-- Notes are JSON that begins with the position; nobody needs their tracebacks here.
local call = redis.call
local head = call('HGET', KEYS[1], 'position') or '0'
local held = call('HMGET', KEYS[2], 'position', unpack(ARGV, 2))
local reached = tonumber(held[1] or 0)
local parked, first, group = {}, {}, {}
local notes = call('HGETALL', KEYS[3])
for i = 1, #notes, 2 do
  if not notes[i]:find(' ', 1, true) then
    parked[#parked + 1] = notes[i]
    parked[#parked + 1] = notes[i + 1]:match('^{"position":(%d+)') or '0'
  end
end
if tonumber(head) > reached then
  local above = call('XRANGE', KEYS[4], ('%d-0'):format(reached + 1), '+', 'COUNT', 1)[1]
  for i = 1, above and #above[2] or 0, 2 do
    if above[2][i] == 'meta' then first = {above[1], above[2][i + 1]} end
  end
end
if ARGV[1] ~= '' and call('EXISTS', KEYS[4]) == 1 then
  for _, each in ipairs(call('XINFO', 'GROUPS', KEYS[4])) do
    for i = 1, #each, 2 do
      if each[i] == 'name' and each[i + 1] == ARGV[1] then group = each end
    end
  end
end
return {head, held, parked, first, group}
