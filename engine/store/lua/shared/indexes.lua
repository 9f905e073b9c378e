-- What changed rows mean for the indexes; needs `call`, `group_key` of group.lua, and `stored` and
-- `value` of row.lua.
-- A row in no group keeps its order in a field of its own, for when it comes back to one.
local function concerns(row, index)
  if row.wiped or row.ranks[index[1]] then return true end
  for _, name in ipairs(index[2]) do
    if row.new[name] ~= nil then return true end
  end
end
local moves, checked = {}, {}
local function step(verb, group, ...)
  if not checked[group] then checked[group] = call('ZCARD', group) end
  moves[#moves + 1] = {verb, group, ...}
end
local function move(row, index)
  if not concerns(row, index) then return end
  local id, old, new = row.key:sub(#ARGV[7] + 1), group_key(row, index, stored, ARGV[8]), group_key(row, index, value, ARGV[8])
  local rank, kept = row.ranks[index[1]], '_rank:' .. index[1]
  if rank == '=' then rank = value(row, index[3]) end
  assert(not rank or math.abs(tonumber(rank) or math.huge) < math.huge, 'a rank is no number')
  if old == new and not rank and not row.wiped then return end
  if not row.wiped then rank = rank or (old and call('ZSCORE', old, id)) or stored(row, kept) end
  if old and old ~= new then step('ZREM', old, id) end
  if new then step('ZADD', new, rank or '0', id) end
  row.new[kept] = not new and rank or false
end
