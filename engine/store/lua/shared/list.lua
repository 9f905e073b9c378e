-- A bounded list: appended(list, item, limit) is its text with one item more at its end, the oldest
-- ones gone. A list is a JSON array with one item a line; inside an item no line ends. So it is cut
-- as text, and nothing in it can change on the way, as numbers and empty lists do in cjson.
local function appended(list, item, limit)
  assert(not list or (#list > 2 and list:sub(1, 1) .. list:sub(-1) == '[]'), 'appended to what is no list')
  if not list or limit == 1 then return '[' .. item .. ']' end
  local items, first, at = 2, 1, list:find('\n', 1, true)
  while at do items, at = items + 1, list:find('\n', at + 1, true) end
  for _ = limit + 1, items do first = list:find('\n', first + 1, true) end
  return '[' .. list:sub(first + 1, -2) .. ',\n' .. item .. ']'
end
