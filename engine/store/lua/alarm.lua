#!lua flags=allow-oom
-- Note what is wrong with projections, for whoever watches next.
-- KEYS     1 the lease of whoever watches  2 alarms
-- ARGV     1 token  2… field, value, '' for none …
-- Returns  OK
-- Errors   FENCED  somebody else watches; nothing was written
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then
  return redis.error_reply('FENCED somebody else watches')
end
for i = 2, #ARGV, 2 do
  if ARGV[i + 1] == '' then redis.call('HDEL', KEYS[2], ARGV[i])
  else redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
end
return redis.status_reply('OK')
