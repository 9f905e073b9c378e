#!lua flags=allow-oom
-- Drop what is behind: commands that are done, outcomes that left the window.
-- KEYS     1 lease  2 head  3 commands  4 outcomes  5 late
-- ARGV     1 token  2 first command to keep  3 first outcome to keep  4 first late one
-- Returns  OK
-- Errors   FENCED  the lease is not ours; nothing was written
-- Never beyond head's own last command: an id that asks for more is lowered to it.
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then
  return redis.error_reply('FENCED the lease is not ours')
end
local done = redis.call('HGET', KEYS[2], 'command') or '0-0'
local function lower(a, b)
  local ams, aseq = a:match('^(%d+)-(%d+)$')
  local bms, bseq = b:match('^(%d+)-(%d+)$')
  ams, aseq, bms, bseq = tonumber(ams), tonumber(aseq), tonumber(bms), tonumber(bseq)
  return (ams < bms or (ams == bms and aseq < bseq)) and a or b
end
local first = lower(ARGV[3], done)
local gone = first ~= '0-0' and redis.call('XREVRANGE', KEYS[4], '(' .. first, '-', 'COUNT', 1)[1]
redis.call('XTRIM', KEYS[3], 'MINID', '=', lower(ARGV[2], done))
if gone then
  redis.call('XTRIM', KEYS[4], 'MINID', '=', first)
  redis.call('HSET', KEYS[2], 'forgotten', gone[1])
  redis.call('XTRIM', KEYS[5], 'MINID', '=', lower(ARGV[4], done))
end
return redis.status_reply('OK')
