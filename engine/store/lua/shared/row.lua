-- One row while changes are folded: what stands there, and what will; needs `call`, `field` and what
-- needed.lua has found. In `row.old` stand the fields that were read, false for one that is not
-- there. `row.set` becomes the row's HSET, `row.gone` its HDEL; `row.new` has what those come to that
-- is looked at again, false for one that goes.
local function opened(key)
  local old = call('HMGET', key, unpack(needed))
  return {key = key, id = key:sub(#ARGV[7] + 1), at = tonumber(old[1] or 0), old = old, new = {}, set = {'HSET', key, field, ''}}
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
local function keep(row, name, text)
  local set = row.set
  local n = #set
  set[n + 1], set[n + 2] = name, text
  if again[name] then row.new[name] = text end
  if row.gone then row.gone[name] = nil end
end
local function drop(row, name)
  if again[name] then row.new[name] = false end
  row.gone = row.gone or {}
  row.gone[name] = true
end
local function wipe_all(row)
  row.new, row.set, row.gone, row.ranks, row.wiped = {}, {'HSET', row.key, field, ''}, nil, nil, true
  for _, name in ipairs(call('HKEYS', row.key)) do
    if name:sub(1, 1) ~= '_' then drop(row, name) end
  end
end
local function write(row)
  if row.deleted then keep(row, '_deleted', '1') elseif row.old[2] then drop(row, '_deleted') end
  row.set[4] = ('%d'):format(row.at)
  call(unpack(row.set))
  if row.gone and next(row.gone) then
    local gone = {'HDEL', row.key}
    for name in pairs(row.gone) do gone[#gone + 1] = name end
    call(unpack(gone))
  end
end
