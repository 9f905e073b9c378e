#!lua flags=allow-oom
-- Hold on to a lease. One that expired is still ours while nobody else took it.
-- KEYS     1 the hash that holds the lease
-- ARGV     1 token  2 length in ms
-- Returns  1 when it is ours for that long again, 0 when it is not ours any more
-- Errors   none of its own
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then
  return 0
end
local now = redis.call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
redis.call('HSET', KEYS[1], 'until', string.format('%.0f', ms + ARGV[2]))
return 1
