-- A dead letter: letter(source, id, fields, code, message, attempts, traceback) is what XADD takes of it,
-- with the same fields in the same order whatever was in the entry. The fields of a command are kept
-- as they are, "" for one that is missing. What else there was stands in `error` as `others`,
-- name after value, one character a byte: JSON has no other way to hold any bytes whatever.
local OTHERS_BYTES = 1048576 -- more than this of other fields is said, not kept
local function plain(text)
  return (text:gsub('[\128-\255]', function(byte)
    local code = byte:byte()
    return string.char(code < 192 and 194 or 195, code < 192 and code or code - 64)
  end))
end
local function letter(source, id, fields, code, message, attempts, traceback)
  local of, others, size = {id = '', type = '', aggregate = '', data = '', meta = ''}, {}, 0
  local seen = {}
  for i = 1, #fields, 2 do
    local name, value = fields[i], fields[i + 1]
    if of[name] and not seen[name] then
      of[name], seen[name] = value, true
    else
      size = size + #name + #value
      if size <= OTHERS_BYTES then
        others[#others + 1], others[#others + 2] = plain(name), plain(value)
      end
    end
  end
  local why = {code = code, message = message}
  if traceback and traceback ~= '' then why.traceback = traceback end
  if #others > 0 then why.others = others end
  if size > OTHERS_BYTES then why.others_bytes = size end
  return {'source', source, 'entry', id, 'id', of.id, 'type', of.type, 'aggregate', of.aggregate,
    'data', of.data, 'meta', of.meta, 'error', cjson.encode(why), 'attempts', attempts or '0'}
end
-- The arguments from `at` on, before `upto`, are letters: entry, code, message, attempts, traceback,
-- count of values, values.
-- An entry may have more of these than Lua hands on at once: they are taken one by one.
local function bury_all(key, source, at, upto)
  while at < upto do
    local values, after = {}, at + 6 + ARGV[at + 5]
    for i = at + 6, after - 1 do values[#values + 1] = ARGV[i] end
    local one = letter(source, ARGV[at], values, ARGV[at + 1], ARGV[at + 2], ARGV[at + 3],
      ARGV[at + 4])
    redis.call('XADD', key, '*', unpack(one))
    at = after
  end
end
