-- One change, taken into its row: first `wipe` and `drop`, then `put` and `add`, then `append`.
local function fold(row, position, put, add, ranks, wipe, drop_these, append)
  row.at, row.dirty = position, true
  row.deleted = wipe and not (put or add or append)
  if wipe then wipe_all(row) end
  for i = 1, drop_these and #drop_these or 0 do drop(row, drop_these[i]) end
  for i = 1, put and #put or 0, 2 do keep(row, put[i], put[i + 1]) end
  for i = 1, add and #add or 0, 2 do keep(row, add[i], sum(value(row, add[i]) or '0', add[i + 1])) end
  for i = 1, append and #append or 0 do
    local name, item, limit = unpack(append[i])
    keep(row, name, appended(value(row, name), item, limit))
  end
  if ranks then
    row.ranks = row.ranks or {}
    for name, rank in pairs(ranks) do row.ranks[name] = rank end
  end
end
