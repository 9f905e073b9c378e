#!lua
-- One commit: commands' events, outcomes and "these commands are done", wholly or not at all.
-- KEYS     1 lease  2 head  3 log  4 outcomes  5 dead letters  6 waiting  7 late  8 timers  9 timer
--          10… one aggregate's stream each
-- ARGV     1 token  2 commit number built on  3 position built on  4 last command of this commit
--          5 branch  6 arguments before the dead letters  7 and before those that wait  8 and before
--          the timers  9… the version each aggregate must have
--          then per command: entry, id, status, aggregate, version, digest, detail, count of events,
--          and per event: number of its aggregate, 0 for a note in the log alone, type, data, meta
--          then timers: see shared/timers.lua
--          then per dead letter: entry, code, message, attempts, traceback, count of values, values
--          then, if any, those that wait: see shared/waiting.lua
-- Returns  the position after this commit
-- Errors   FENCED  another owner, or another commit: nothing was written
--          TORN    log, outcomes or an aggregate are not where head says: nothing was written
-- What can fail is asked before the first write, or is the first: a script is not rolled back.
local call, lease, head, log, outcomes = redis.call, KEYS[1], KEYS[2], KEYS[3], KEYS[4]
-- include shared/last_id.lua
-- include shared/append.lua
if call('HGET', lease, 'token') ~= ARGV[1] then
  return redis.error_reply('FENCED the lease is not ours')
end
local was = call('HMGET', head, 'commit', 'position', 'command')
if (was[1] or '0') ~= ARGV[2] or (was[2] or '0') ~= ARGV[3] then
  return redis.error_reply('FENCED commit ' .. (was[1] or '0') .. ' stands, not ' .. ARGV[2])
end
if (ends_at(log) or '0-0') ~= ARGV[3] .. '-0' then
  return redis.error_reply('TORN the log does not end at position ' .. ARGV[3])
end
if (ends_at(outcomes) or was[3]) ~= was[3] then
  return redis.error_reply('TORN the outcomes end at ' .. ends_at(outcomes))
end
local version, at, position = {}, 9, tonumber(ARGV[3])
local letters_at, waits_at, timers_at = ARGV[6] + 1, ARGV[7] + 1, ARGV[8] + 1
for i = 10, #KEYS do
  version[i] = call('XLEN', KEYS[i])
  if version[i] ~= tonumber(ARGV[at]) then
    return redis.error_reply('TORN ' .. KEYS[i] .. ' has version ' .. version[i] .. ', not ' .. ARGV[at])
  end
  at = at + 1
end
if was[3] and at < timers_at and not above(ARGV[at], was[3]) then
  return redis.error_reply('TORN ' .. ARGV[at] .. ' was answered before ' .. was[3])
end
-- include shared/record.lua
-- include shared/waiting.lua
-- include shared/timers.lua
local torn = waits_at <= #ARGV and torn_waits(waits_at)
if torn then return redis.error_reply(torn) end
-- Letters first: their stream gives out ids and may have none left; one alone is no half commit.
-- include shared/dead.lua
bury_all(KEYS[5], 'command', letters_at, waits_at)
while at < timers_at do at = record(at, outcomes) end
if waits_at <= #ARGV then write_waits(waits_at) end
if timers_at < letters_at then write_timers(KEYS[8], KEYS[9]) end
local reached = string.format('%d', position)
call('HSET', head, 'commit', string.format('%d', ARGV[2] + 1), 'command', ARGV[4], 'position', reached)
return position
