#!lua
-- Keep the states of aggregates as they are at a version each.
-- KEYS     1 lease  2… one aggregate's stream and its snapshot, each
-- ARGV     1 token  2… per aggregate: version, snapshot
-- Returns  how many were kept: none that is ahead of its stream
-- Errors   FENCED  the lease is not ours; nothing was written
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then
  return redis.error_reply('FENCED the lease is not ours')
end
local kept = 0
for i = 2, #KEYS, 2 do
  local id = ARGV[i] .. '-0'
  if #redis.call('XRANGE', KEYS[i], id, id) > 0 then
    redis.call('SET', KEYS[i + 1], ARGV[i + 1])
    kept = kept + 1
  end
end
return kept
