-- What changed rows mean for the indexes; needs `call`, `group_key` of group.lua, and `stored` and
-- `value` of row.lua.
-- A row in no group keeps its order in a field of its own, for when it comes back to one.
local groups, leaving, entering = {}, {}, {}
local function step(of, verb, group)
  if not (leaving[group] or entering[group]) then
    call('ZCARD', group) -- here it fails if another kind of key stands there
    groups[#groups + 1] = group
  end
  of[group] = of[group] or {verb, group}
  return of[group]
end
local function concerns(row, index)
  if row.wiped or row.ranks and row.ranks[index[1]] then return true end
  for _, name in ipairs(index[2]) do
    if row.new[name] ~= nil then return true end
  end
end
local function move(row, index)
  if not concerns(row, index) then return end
  local old, new = group_key(row, index, stored), group_key(row, index, value)
  local rank = row.ranks and row.ranks[index[1]]
  if rank == '=' then rank = value(row, index[3]) end
  assert(not rank or math.abs(tonumber(rank) or math.huge) < math.huge, 'a rank is no number')
  if old == new and not rank and not row.wiped then return end
  if not row.wiped then rank = rank or (old and call('ZSCORE', old, row.id)) or stored(row, index.kept) end
  if old and old ~= new then
    local left = step(leaving, 'ZREM', old)
    left[#left + 1] = row.id
  end
  if new then
    local entered = step(entering, 'ZADD', new)
    entered[#entered + 1], entered[#entered + 2] = rank or '0', row.id
  end
  if not new and rank then keep(row, index.kept, rank)
  elseif stored(row, index.kept) then drop(row, index.kept) end
end
