#!lua flags=allow-oom
-- A new owner's first step: note the server it is on, learn how far the partition has come.
-- KEYS     1 lease  2 head  3 branches  4 log  5 outcomes  6 commands  7 late
-- ARGV     1 token  2 this server (replication id and run id)  3 name of a branch that may begin
--          4 partitions of the namespace
-- Returns  branch, commit, command, position, forgotten, crashes, last command in the stream,
--          last id of late
-- Errors   FENCED  the lease is not ours; nothing was written
--          TORN    log, outcomes or late end elsewhere than head says; nothing was written
local call = redis.call
local held = call('HMGET', KEYS[1], 'token', 'crashes')
if held[1] ~= ARGV[1] then
  return redis.error_reply('FENCED the lease is not ours')
end
local head = call('HMGET', KEYS[2], 'commit', 'command', 'position', 'forgotten', 'late')
local command, position, late = head[2] or '0-0', head[3] or '0', head[5] or '0-0'
local last = call('XREVRANGE', KEYS[4], '+', '-', 'COUNT', 1)[1]
if (last and last[1] or '0-0') ~= position .. '-0' then
  return redis.error_reply('TORN the log ends elsewhere than head.position ' .. position)
end
last = call('XREVRANGE', KEYS[5], '+', '-', 'COUNT', 1)[1]
if last and last[1] ~= command then
  return redis.error_reply('TORN the outcomes end at ' .. last[1] .. ', head.command is ' .. command)
end
last = call('XREVRANGE', KEYS[7], '+', '-', 'COUNT', 1)[1]
if last and last[1] ~= late then
  return redis.error_reply('TORN late ends at ' .. last[1] .. ', head.late is ' .. late)
end
last = call('XREVRANGE', KEYS[6], '+', '-', 'COUNT', 1)[1]
local noted = call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)[1]
local branch = noted and noted[2][2]
if not noted or noted[2][6] ~= ARGV[2] then
  branch = ARGV[3]
  call('XADD', KEYS[3], '*', 'branch', branch, 'from', position, 'server', ARGV[2])
end
call('HSETNX', KEYS[2], 'partitions', ARGV[4])
return {branch, head[1] or '0', command, position, head[4] or '0-0', held[2] or '0',
  last and last[1] or '0-0', late}
