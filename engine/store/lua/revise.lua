#!lua
-- Change what is said of a projection's generations, by comparison with what was read.
-- KEYS     1 the hash that says it
-- ARGV     1 revision that was read  2… field, value, '' for none …
-- Returns  1, or 0 where somebody else has changed it since: then nothing was written
-- Errors   none of its own
if (redis.call('HGET', KEYS[1], 'revision') or '0') ~= ARGV[1] then
  return 0
end
for i = 2, #ARGV, 2 do
  if ARGV[i + 1] == '' then redis.call('HDEL', KEYS[1], ARGV[i])
  else redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
end
return 1
