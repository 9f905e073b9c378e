#!lua flags=allow-oom
-- Note what is about to be tried, so that whoever follows knows what its owner died of.
-- KEYS     1 the hash that holds the lease
-- ARGV     1 token  2 what is tried: an entry of the commands, a position of the log
-- Returns  how many owners died while they tried just this
-- Errors   FENCED  the lease is not ours; nothing was written
local held = redis.call('HMGET', KEYS[1], 'token', 'suspect', 'deaths')
if held[1] ~= ARGV[1] then
  return redis.error_reply('FENCED the lease is not ours')
end
if held[2] == ARGV[2] then
  return tonumber(held[3] or 0)
end
redis.call('HSET', KEYS[1], 'suspect', ARGV[2], 'deaths', 0)
return 0
