-- What a step changes, told in the change stream of its generation, where readers wait for it; the
-- checkpoint keeps the last entry's id. Each says `after` which one it comes: who has read another
-- one last has missed some. This is the step's first write, and the stream only tells: what is in
-- its way there goes, a stranger's value or a higher id, and readers see that.
local KEPT = 1024 -- events whose changes are kept, some 100 bytes each: who is further behind asks anew
local names, told = {}, {}
for _, row in ipairs(rows) do
  if row.dirty then names[#names + 1] = row.id end
end
for i, group in ipairs(groups) do told[i] = group:sub(#prefix + 1) end
local function list(of) return #of > 0 and cjson.encode(of):gsub('\\/', '/') or '[]' end
call('HLEN', KEYS[2]) -- what is written next: it fails here if it cannot be
if #names > 0 then
  local entry = {'XADD', KEYS[3], 'MINID', '~', ('%d'):format(math.max(0, ARGV[3] - KEPT)),
    ARGV[3] .. '-*', 'after', held[3] or '0-0', 'rows', list(names), 'groups', list(told)}
  local changed = redis.pcall(unpack(entry))
  if type(changed) == 'table' then
    call('UNLINK', KEYS[3])
    changed = call(unpack(entry))
  end
  call('HSET', KEYS[1], 'changed', changed)
end
