#!lua
-- One batch of row changes and the checkpoint behind it, wholly or not at all.
-- KEYS     1 checkpoint and lease  2 parked aggregates  3 change stream  4… one row each
-- ARGV     1 token  2 position built on  3 position reached  4 its command's entry  5 branch
--          6 watermark field  7 prefix of row keys  8 prefix of index keys  9 indexes [[name, [group field …], order field] …]
--          10 changes [[row number, position, put [field, value …], add […], ranks {index: score},
--          wipe, drop [field …], append [[field, item, limit] …]] …], false for none, cut behind the
--          last that is something  11… notes on parked aggregates: field, value, '' for none …
-- Returns  OK
-- Errors   FENCED  another worker, or another checkpoint; any error: nothing was written
-- Changes are folded first and written after: what can fail, fails before the first write.
-- One server holds all keys here: index keys follow from what rows hold, undeclared.
local call, field = redis.call, ARGV[6]
local held = call('HMGET', KEYS[1], 'token', 'position', 'changed')
if held[1] ~= ARGV[1] or (held[2] or '0') ~= ARGV[2] then
  return redis.error_reply('FENCED the lease or the checkpoint is not ours')
end
local indexes, changes, prefix = cjson.decode(ARGV[9]), cjson.decode(ARGV[10]), ARGV[8]
-- include shared/decimal.lua
-- include shared/list.lua
-- include shared/needed.lua
-- include shared/row.lua
-- include shared/fold.lua
local rows = {}
for _, change in ipairs(changes) do
  local number = change[1]
  rows[number] = rows[number] or opened(KEYS[number + 3])
  if change[2] > rows[number].at then fold(rows[number], unpack(change, 2, 8)) end
end
-- include shared/group.lua
-- include shared/indexes.lua
for _, row in ipairs(rows) do
  for _, index in ipairs(row.dirty and indexes or {}) do move(row, index) end
end
-- include shared/changed.lua
-- include shared/parked.lua
for _, row in ipairs(rows) do
  if row.dirty then write(row) end
end
for _, group in ipairs(groups) do
  if leaving[group] then call(unpack(leaving[group])) end
  if entering[group] then call(unpack(entering[group])) end
end
call('HSET', KEYS[1], 'position', ARGV[3], 'command', ARGV[4], 'branch', ARGV[5])
return redis.status_reply('OK')
