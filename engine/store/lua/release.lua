#!lua flags=allow-oom
-- Give a lease back, so that the next owner need not wait for it to expire.
-- KEYS     1 the hash that holds the lease
-- ARGV     1 token
-- Returns  1 when it was ours, 0 when it was not
-- Errors   none of its own
-- What is known of crashes stays: whoever is next must still be careful.
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then
  return 0
end
return redis.call('HDEL', KEYS[1], 'node', 'token', 'until', 'since', 'server')
