#!lua flags=allow-oom
-- Forget crashes and suspects: what they were about is behind.
-- KEYS     1 the hash that holds the lease
-- ARGV     1 token
-- Returns  OK
-- Errors   FENCED  the lease is not ours; nothing was written
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then
  return redis.error_reply('FENCED the lease is not ours')
end
redis.call('HDEL', KEYS[1], 'crashes', 'suspect', 'deaths')
return redis.status_reply('OK')
