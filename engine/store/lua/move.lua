#!lua
-- Note how far a reaction has come in a partition's log, what it has sent, and whom it passes over.
-- KEYS     1 checkpoint and lease  2 parked aggregates
-- ARGV     1 token  2 position built on  3 position reached  4 its command's entry  5 branch
--          6 count of marks, then of each: partition, mark
--          then notes on parked aggregates: field, value, '' for none …
-- Returns  OK
-- Errors   FENCED  another worker, or another checkpoint; any error: nothing was written
local call = redis.call
local held = call('HMGET', KEYS[1], 'token', 'position')
if held[1] ~= ARGV[1] or (held[2] or '0') ~= ARGV[2] then
  return redis.error_reply('FENCED the lease or the checkpoint is not ours')
end
call('HLEN', KEYS[2]) -- it fails here if it cannot be written
local notes_at = 7 + 2 * ARGV[6]
for at = 7, notes_at - 1, 2 do call('HSET', KEYS[1], 'sent:' .. ARGV[at], ARGV[at + 1]) end
for at = notes_at, #ARGV, 2 do
  if ARGV[at + 1] == '' then call('HDEL', KEYS[2], ARGV[at])
  else call('HSET', KEYS[2], ARGV[at], ARGV[at + 1]) end
end
call('HSET', KEYS[1], 'position', ARGV[3], 'command', ARGV[4], 'branch', ARGV[5])
return redis.status_reply('OK')
