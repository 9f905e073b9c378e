-- One command of a commit: record(at, stream) writes its events to their aggregate and to the log,
-- its outcome to a stream, and returns where the next one's arguments begin. The outcome of a
-- command that had waited says more: whose it is.
local NOTHING_MORE = {}
local function record(at, stream, more)
  local entry, id, status, whose = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local after, digest, detail, count = ARGV[at + 4], ARGV[at + 5], ARGV[at + 6], tonumber(ARGV[at + 7])
  at = at + 8
  for _ = 1, count do
    local i, kind, data, meta, v = ARGV[at] + 9, ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], '0'
    at, position = at + 4, position + 1
    if version[i] then -- else it is a note, which is in the log alone
      version[i] = version[i] + 1
      v = string.format('%d', version[i])
      append(KEYS[i], v .. '-0', 'type', kind, 'data', data, 'meta', meta)
    end
    append(log, string.format('%d-0', position),
      'aggregate', whose, 'version', v, 'type', kind, 'data', data, 'meta', meta)
  end
  append(stream, entry, 'id', id, 'status', status, 'aggregate', whose, 'version', after,
    'position', string.format('%d', position), 'branch', ARGV[5], 'digest', digest,
    'detail', detail, unpack(more or NOTHING_MORE))
  return at
end
