#!lua flags=no-writes
-- Rows with their index entries, and how far their generation has come: all of one moment.
-- KEYS     1… of each partition, the checkpoint and the parked aggregates; then one row each
-- ARGV     1 number of partitions  2 prefix of row keys  3 prefix of index keys  4 indexes
--          [[name, [group field …], order field] …]  5… entries to look at beside those of the
--          groups that a row says it is in: number of the row, key of the group …
-- Returns  [position …], [[field, note …] of parked aggregates …], [[field, value …], or nil for
--          another kind of key, [key of a group, score or nil …]] of each row …
-- Errors   an index key of another kind
-- One server holds all keys here: index keys follow from what rows hold, undeclared.
local call, partitions = redis.call, tonumber(ARGV[1])
local indexes, prefix = cjson.decode(ARGV[4]), ARGV[3]
-- include shared/group.lua
local function value(row, name) return row.values[name] end
local positions, parked, rows, answers = {}, {}, {}, {}
for i = 1, partitions do
  positions[i] = call('HGET', KEYS[2 * i - 1], 'position') or '0'
  parked[i] = call('HGETALL', KEYS[2 * i])
end
for i = 2 * partitions + 1, #KEYS do
  local row, fields = {id = KEYS[i]:sub(#ARGV[2] + 1), values = {}, entries = {}}, redis.pcall('HGETALL', KEYS[i])
  if fields.err then fields = false end
  for at = 1, #(fields or {}), 2 do row.values[fields[at]] = fields[at + 1] end
  rows[#rows + 1], answers[#answers + 1] = row, {fields, row.entries}
  for _, index in ipairs(indexes) do
    local key = group_key(row, index, value)
    if key then row.entries[#row.entries + 1], row.entries[#row.entries + 2] = key, call('ZSCORE', key, row.id) end
  end
end
for i = 5, #ARGV, 2 do
  local row = rows[tonumber(ARGV[i])]
  row.entries[#row.entries + 1], row.entries[#row.entries + 2] = ARGV[i + 1], call('ZSCORE', ARGV[i + 1], row.id)
end
return {positions, parked, answers}
