-- The key of the group of an index that a row belongs to, nil for none: `of` tells a field's value,
-- `prefix` is that of index keys.
local function group_key(row, index, of, prefix)
  local parts = {}
  for i, name in ipairs(index[2]) do
    parts[i] = of(row, name)
    if not parts[i] then return nil end
    if parts[i]:find('[%%/]') then parts[i] = parts[i]:gsub('[%%/]', {['%'] = '%25', ['/'] = '%2F'}) end
  end
  return prefix .. index[1] .. ':' .. table.concat(parts, '/')
end
