#!lua
-- Submit a dead letter's command again: a new command, and the letter leaves the list, in one step.
-- KEYS     1 dead letters  2 the stream that it goes to
-- ARGV     1 the letter's id  2 the new command's id
-- Returns  the new entry's id; false where the letter is not there (any more): nothing was written
-- Errors   any: nothing was written
local letter = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not letter then
  return false
end
local of = {}
for i = 1, #letter[2], 2 do of[letter[2][i]] = letter[2][i + 1] end
local entry = redis.call('XADD', KEYS[2], '*', 'id', ARGV[2], 'type', of.type or '',
  'aggregate', of.aggregate or '', 'data', of.data or '', 'meta', of.meta or '')
redis.call('XDEL', KEYS[1], ARGV[1])
return entry
