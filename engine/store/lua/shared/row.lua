-- One row while changes are folded: what stands there, and what will; needs `call`, `field` and
-- `indexes`. What every change may need is read at once. In `row.new` stand the fields that change,
-- false for one that goes; in `row.old` those that were read, false for one that is not there.
local needed, slot = {field, '_deleted'}, {[field] = 1, _deleted = 2}
local function need(name)
  if not slot[name] then
    needed[#needed + 1] = name
    slot[name] = #needed
  end
end
for _, index in ipairs(indexes) do
  for _, name in ipairs(index[2]) do need(name) end
  need('_rank:' .. index[1])
end
local function opened(key)
  local old = call('HMGET', key, unpack(needed))
  return {key = key, new = {}, old = old, ranks = {}, at = tonumber(old[1] or 0)}
end
local function stored(row, name)
  local at = slot[name] or name
  if row.old[at] == nil then row.old[at] = call('HGET', row.key, name) end
  return row.old[at] or nil
end
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
local function write(row)
  local set, gone = {'HSET', row.key, field, ('%d'):format(row.at)}, {'HDEL', row.key}
  for name, text in pairs(row.new) do
    if text then set[#set + 1], set[#set + 2] = name, text
    elseif row.old[slot[name] or name] ~= false then gone[#gone + 1] = name end
  end
  call(unpack(set))
  if #gone > 2 then call(unpack(gone)) end
end
