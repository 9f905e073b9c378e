#!lua flags=allow-oom
-- Take a lease that is free, was given back, has expired by Redis's clock, or is this node's own.
-- KEYS     1 the hash that holds the lease
-- ARGV     1 node  2 token, random per acquisition  3 length in ms  4 longest possible length in ms
--          5 this server (replication id and run id)
-- Returns  0 when it is ours now, else how many ms the one that holds it has left
-- Errors   none of its own; an `until` beyond the longest length is a clock that jumped: expired
-- A lease that ran out on a server that did not change belonged to somebody who died: a crash.
-- If it had named a suspect, that is one more death for the suspect to answer for.
local call, lease = redis.call, KEYS[1]
local now = call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
local held = call('HMGET', lease, 'token', 'until', 'node', 'server', 'suspect')
local left = tonumber(held[2] or 0) - ms
local is_mine = held[3] == ARGV[1]
if held[1] and left > 0 and left <= tonumber(ARGV[4]) and not is_mine then
  return left
end
if held[1] and left <= 0 and held[4] == ARGV[5] and not is_mine then
  call('HINCRBY', lease, 'crashes', 1)
  if held[5] then call('HINCRBY', lease, 'deaths', 1) end
end
call('HSET', lease, 'node', ARGV[1], 'token', ARGV[2], 'until', string.format('%.0f', ms + ARGV[3]),
  'since', string.format('%.0f', ms), 'server', ARGV[5])
return 0
