#!lua
-- One batch of row changes and the checkpoint behind it, wholly or not at all.
-- KEYS     1 checkpoint and lease  2 parked aggregates  3 change stream  4… one row each
-- ARGV     1 token  2 position built on  3 position reached  4 its command's entry  5 branch
--          6 watermark field  7 prefix of row keys  8 prefix of index keys  9 indexes [[name, [group field …], order field] …]
--          10 changes [[row number, position, wipe, put [field, value …], add […], drop [field …],
--          ranks {index: score}, append [[field, item, limit] …]] …]  11… notes on parked aggregates: field, value, '' for none …
-- Returns  OK
-- Errors   FENCED  another worker, or another checkpoint; any error: nothing was written
-- Changes are folded first and written after: what can fail, fails before the first write.
-- One server holds all keys here: index keys follow from what rows hold, undeclared.
local call, field = redis.call, ARGV[6]
local held = call('HMGET', KEYS[1], 'token', 'position', 'changed')
if held[1] ~= ARGV[1] or (held[2] or '0') ~= ARGV[2] then
  return redis.error_reply('FENCED the lease or the checkpoint is not ours')
end
local indexes = cjson.decode(ARGV[9])
-- include shared/decimal.lua
-- include shared/list.lua
-- include shared/row.lua
local rows = {}
for _, change in ipairs(cjson.decode(ARGV[10])) do
  local number, position, wipe, put, add, drop, ranks, append = unpack(change)
  local key = KEYS[number + 3]
  local row = rows[number] or opened(key)
  rows[number] = row
  if position > row.at then
    row.at, row.dirty = position, true
    if wipe then wipe_all(row) end
    for _, name in ipairs(drop) do row.new[name] = false end
    for i = 1, #put, 2 do row.new[put[i]] = put[i + 1] end
    for i = 1, #add, 2 do row.new[add[i]] = sum(value(row, add[i]) or '0', add[i + 1]) end
    for _, one in ipairs(append) do row.new[one[1]] = appended(value(row, one[1]), one[2], one[3]) end
    for name, rank in pairs(ranks) do row.ranks[name] = rank end
    row.new._deleted = wipe and #put + #add + #append == 0 and '1' or false
  end
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
for _, step in ipairs(moves) do
  call(unpack(step))
end
call('HSET', KEYS[1], 'position', ARGV[3], 'command', ARGV[4], 'branch', ARGV[5])
return redis.status_reply('OK')
