-- The key of the group of an index that a row belongs to, nil for none: `of` tells a field's value.
-- Needs `indexes` and the `prefix` of index keys.
for _, index in ipairs(indexes) do index.prefix = prefix .. index[1] .. ':' end
local function group_key(row, index, of)
  local parts = {}
  for i, name in ipairs(index[2]) do
    local part = of(row, name)
    if not part then return nil end
    if part:find('[%%/]') then part = part:gsub('[%%/]', {['%'] = '%25', ['/'] = '%2F'}) end
    parts[i] = part
  end
  return index.prefix .. table.concat(parts, '/')
end
