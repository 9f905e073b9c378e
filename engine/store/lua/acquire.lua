#!lua
-- Take a lease that is free, was given back, or has expired by Redis's clock.
-- KEYS     1 the hash that holds the lease
-- ARGV     1 node  2 token, random per acquisition  3 length in ms  4 longest possible length in ms
-- Returns  1 when it is ours now, 0 when somebody else holds it
-- Errors   none of its own; an `until` beyond the longest length is a clock that jumped: expired
local now = redis.call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
local held = redis.call('HMGET', KEYS[1], 'token', 'until')
local left = tonumber(held[2] or 0) - ms
if held[1] and left > 0 and left <= tonumber(ARGV[4]) then
  return 0
end
local expires = string.format('%.0f', ms + ARGV[3])
redis.call('HSET', KEYS[1], 'node', ARGV[1], 'token', ARGV[2], 'until', expires)
return 1
