#!lua flags=allow-oom
-- Hold on to leases. One that expired is still ours while nobody else took it.
-- KEYS     the hashes that hold the leases
-- ARGV     1 length in ms  2… the token of each
-- Returns  for each 1 when it is ours for that long again, 0 when it is not ours any more
-- Errors   none of its own: where another kind of key stands, there is no lease of ours
-- One script for all: a script each would hold the server up for milliseconds at a heartbeat.
local now = redis.call('TIME')
local till = string.format('%.0f', now[1] * 1000 + math.floor(now[2] / 1000) + ARGV[1])
local held = {}
for i, key in ipairs(KEYS) do
  held[i] = redis.pcall('HGET', key, 'token') == ARGV[i + 1] and 1 or 0
  if held[i] == 1 then redis.call('HSET', key, 'until', till) end
end
return held
