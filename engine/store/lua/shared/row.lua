-- One row while changes are folded: what stands there, and what will; needs `call`. In `row.new`
-- stand the fields that change, false for one that goes.
local function stored(row, name) return call('HGET', row.key, name) or nil end
local function value(row, name)
  if row.new[name] ~= nil then return row.new[name] or nil end
  return stored(row, name)
end
local function wipe_all(row)
  row.new, row.ranks, row.wiped = {}, {}, true
  for _, name in ipairs(call('HKEYS', row.key)) do
    if name:sub(1, 1) ~= '_' then row.new[name] = false end
  end
end
