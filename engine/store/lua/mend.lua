#!lua
-- Take entries whose ids lie in the future out of a stream, and add again what came behind them.
-- KEYS     1 lease  2 the stream  3 its dead letters
-- ARGV     1 token  2 what the stream is called in a dead letter  3 last entry that is done
--          4 how far in the future an id may lie, in ms
-- Returns  the ids that went to the dead letters, how many entries were added again, the last id
-- Errors   FENCED  the lease is not ours; nothing was written
-- Somebody set the first id of such a time by hand. Redis goes on behind the last id, in the same
-- time: those that follow are honest. What is done is no future, even where a clock went back.
local call, stream, dead, done = redis.call, KEYS[2], KEYS[3], ARGV[3]
if call('HGET', KEYS[1], 'token') ~= ARGV[1] then
  return redis.error_reply('FENCED the lease is not ours')
end
-- include shared/dead.lua
-- include shared/last_id.lua
local now, done_ms = call('TIME'), done:match('^%d+')
local latest = ('%.0f'):format(now[1] * 1000 + math.floor(now[2] / 1000) + ARGV[4])
if tonumber(done_ms) > tonumber(latest) then latest = done_ms end
local letters, moved, again = {}, {}, {}
local function bury(entry, code, message)
  letters[#letters + 1] = letter(ARGV[2], entry[1], entry[2], code, message)
  moved[#moved + 1] = entry[1]
end
local ahead = call('XRANGE', stream, '(' .. latest .. '-' .. TOP, '+')
local ms, seq
for _, entry in ipairs(ahead) do
  local ms_before, seq_before = ms, seq
  ms, seq = entry[1]:match('^(%d+)-(%d+)$')
  local is_next_ms = seq == '0' and seq_before == TOP and tonumber(ms) == ms_before + 1
  if ms ~= ms_before and not is_next_ms then
    bury(entry, 'future_id', 'its id lies in the future: whoever added it set the id by hand')
  elseif #entry[2] > VALUES then
    bury(entry, 'too_many_fields', 'it stood behind an id from the future, too wide to be moved')
  else
    again[#again + 1] = entry[2]
  end
end
call('XLEN', dead)
local function ends_at()
  local last = call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
  return last and last[1] or done
end
if #ahead == 0 then return {moved, 0, ends_at()} end
for _, values in ipairs(letters) do call('XADD', dead, '*', unpack(values)) end
for _, entry in ipairs(ahead) do call('XDEL', stream, entry[1]) end
local last = #call('XRANGE', stream, done, '+', 'COUNT', 1) == 0 and done or ends_at()
lower(stream, last == '0-0' and '0-1' or last)
for _, fields in ipairs(again) do call('XADD', stream, '*', unpack(fields)) end
return {moved, #again, ends_at()}
