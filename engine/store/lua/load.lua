#!lua flags=no-writes
-- Read the events of several aggregates at once.
-- KEYS     one aggregate's stream each
-- ARGV     1 events per aggregate at the most  2… the first version wanted of each
-- Returns  per key its entries; as many as the limit means that there may be more
-- Errors   none of its own
local found = {}
for i, key in ipairs(KEYS) do
  found[i] = redis.call('XRANGE', key, ARGV[i + 1] .. '-0', '+', 'COUNT', ARGV[1])
end
return found
