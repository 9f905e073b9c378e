-- Lower a stream's last id, after entries at its end were deleted: lower(stream, last), where last
-- is not below what is left. Two things are in the way. Deleted entries stay in their node until all
-- of it is deleted, and XTRIM stops at one whose id is too high: the last node is emptied and filled
-- anew. And the last id may not go below the greatest deleted one: that one goes down first.
local TOP, VALUES = '18446744073709551615', 7000 -- Lua can hand on 8000 values, not more
local function nodes(stream)
  local said = call('XINFO', 'STREAM', stream)
  for i = 1, #said, 2 do
    if said[i] == 'radix-tree-keys' then return said[i + 1] end
  end
end
local function lower(stream, last)
  local full, taken = nodes(stream), {}
  local top = call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
  -- An entry too wide to be written again fills a node of its own. Nothing can be below 0-1.
  while top and #top[2] <= VALUES and top[1] ~= '0-1' and nodes(stream) == full do
    taken[#taken + 1] = top
    call('XDEL', stream, top[1])
    top = call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
  end
  local under = top and top[1] or '0-1'
  call('XSETID', stream, TOP .. '-' .. TOP, 'MAXDELETEDID', under)
  call('XSETID', stream, under)
  for i = #taken, 1, -1 do call('XADD', stream, taken[i][1], unpack(taken[i][2])) end
  call('XSETID', stream, last)
end
