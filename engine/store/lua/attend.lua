#!lua flags=allow-oom
-- Say that a process lives, by Redis's clock.
-- KEYS     1 the zset of processes
-- ARGV     1 node
-- Returns  OK
-- Errors   none of its own
local now = redis.call('TIME')
redis.call('ZADD', KEYS[1], now[1] * 1000 + math.floor(now[2] / 1000), ARGV[1])
return redis.status_reply('OK')
