#!lua
-- Have queries read the generation that was built, if it is behind the live one nowhere.
-- KEYS     1 the hash that says which is live, then of each partition: 2 the build's checkpoint
--          3 the live generation's  4 the build's parked aggregates  5 head
-- ARGV     1 revision that was read  2 '1' where the build may pass over aggregates
--          3 JSON list of positions, a partition each, that are enough; '' where none are
--          4… field, value, '' for none …
-- Returns  [1 when flipped, partitions behind, aggregates parked]; revision differs: [-1, 0, 0]
-- Errors   none of its own; whatever fails, fails before the first write
-- Where history was lost the live one may say that it is beyond head: nobody can reach that.
-- One server holds all keys here: comparing and flipping are one step.
local call, behind, parked = redis.call, 0, 0
if (call('HGET', KEYS[1], 'revision') or '0') ~= ARGV[1] then
  return {-1, 0, 0}
end
local enough = ARGV[3] ~= '' and cjson.decode(ARGV[3]) or {}
local function position(key) return tonumber(call('HGET', key, 'position') or 0) end
for i = 2, #KEYS, 4 do
  local wanted = math.min(position(KEYS[i + 1]), position(KEYS[i + 3]), enough[(i + 2) / 4] or math.huge)
  if position(KEYS[i]) < wanted then behind = behind + 1 end
  for _, name in ipairs(call('HKEYS', KEYS[i + 2])) do
    if not name:find(' ', 1, true) then parked = parked + 1 end
  end
end
if behind > 0 or (parked > 0 and ARGV[2] ~= '1') then
  return {0, behind, parked}
end
for i = 4, #ARGV, 2 do
  if ARGV[i + 1] == '' then call('HDEL', KEYS[1], ARGV[i])
  else call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
end
return {1, 0, parked}
