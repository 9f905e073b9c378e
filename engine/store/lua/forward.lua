#!lua
-- Note where inbox entries went, and drop them from the inbox.
-- KEYS     1 the inbox's lease  2 forwarded  3 inbox
-- ARGV     1 token  2 notes kept at the most  3… per entry: inbox id, partition, command entry
-- Returns  OK
-- Errors   FENCED  the lease is not ours; nothing was written
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then
  return redis.error_reply('FENCED the lease is not ours')
end
redis.call('XLEN', KEYS[2])
redis.call('XLEN', KEYS[3])
for at = 3, #ARGV, 3 do
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], ARGV[at],
    'partition', ARGV[at + 1], 'entry', ARGV[at + 2])
end
redis.call('XTRIM', KEYS[3], 'MINID', '=', ARGV[#ARGV - 2])
redis.call('XDEL', KEYS[3], ARGV[#ARGV - 2])
return redis.status_reply('OK')
