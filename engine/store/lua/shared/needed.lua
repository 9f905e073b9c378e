-- What is read of every row at once, since indexes and sums need it, and in which `slot` it then
-- stands; fields that are looked at `again` after they have changed. Needs `field`, `indexes` and
-- `changes`.
local SUMS_READ = 8 -- fields of sums read with every row; more, and each is when a row has it
local needed, slot, again = {field, '_deleted'}, {[field] = 1, _deleted = 2}, {}
local function need(name)
  again[name] = true
  if not slot[name] then
    needed[#needed + 1] = name
    slot[name] = #needed
  end
end
for _, index in ipairs(indexes) do
  for _, name in ipairs(index[2]) do need(name) end
  index.kept = '_rank:' .. index[1]
  need(index.kept)
  if index[3] then again[index[3]] = true end
end
local most = #needed + SUMS_READ
for _, change in ipairs(changes) do
  local add, append = change[4], change[8]
  for i = 1, add and #add or 0, 2 do
    if #needed < most then need(add[i]) else again[add[i]] = true end
  end
  for i = 1, append and #append or 0 do again[append[i][1]] = true end
end
