-- Those that wait, in a commit: commands that are deferred or were tried again, and the late
-- outcomes of others, which wait no more. The arguments, from `at` on: the last id of `late` that
-- this builds on, count of commands, each one's entry and what is kept of it; then per late outcome
-- `of` (the command's entry), and what record() takes, its own id as entry.
local waiting, late = KEYS[6], KEYS[7]
local function first_late(at)
  return at + 2 + 2 * ARGV[at + 1]
end
local function torn_waits(at) -- asked before the first write; nil if all is well
  local ends, last = ends_at(late), call('HGET', head, 'late') or '0-0'
  if last ~= ARGV[at] or (ends or last) ~= last then
    return 'TORN late ends at ' .. (ends or '0-0') .. ', head says ' .. last .. ', not ' .. ARGV[at]
  end
  call('HLEN', waiting)
  at = first_late(at)
  while at <= #ARGV do
    if call('HEXISTS', waiting, ARGV[at]) == 0 then return 'TORN ' .. ARGV[at] .. ' does not wait' end
    at = at + 9 + 4 * ARGV[at + 8]
  end
end
local function write_waits(at)
  for i = at + 2, first_late(at) - 1, 2 do call('HSET', waiting, ARGV[i], ARGV[i + 1]) end
  at = first_late(at)
  while at <= #ARGV do
    local of, id = ARGV[at], ARGV[at + 1]
    at = record(at + 1, late, {'of', of})
    call('HDEL', waiting, of)
    call('HSET', head, 'late', id)
  end
end
