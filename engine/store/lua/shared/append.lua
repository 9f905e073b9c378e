-- Add an entry under an id of ours: append(stream, id, field, value …). It was checked that the
-- stream ends where it should; but somebody may have added an entry there and deleted it again,
-- and then the stream's last id lies beyond its last entry. That one is set back first.
local function ends_at(stream)
  local top = call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
  return top and top[1]
end
local function append(stream, id, ...)
  if type(redis.pcall('XADD', stream, id, ...)) == 'table' then
    lower(stream, ends_at(stream) or '0-1')
    call('XADD', stream, id, ...)
  end
end
-- Both halves of an id have 64 bits, which Lua's numbers do not tell apart: digits are compared.
local function more(a, b)
  return #a > #b or (#a == #b and a > b)
end
local function above(a, b)
  local ams, aseq = a:match('^(%d+)-(%d+)$')
  local bms, bseq = b:match('^(%d+)-(%d+)$')
  return more(ams, bms) or (ams == bms and more(aseq, bseq))
end
