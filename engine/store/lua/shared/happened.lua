-- Write what the arguments from `at` on say has happened to an aggregate: happened(aggregate). An
-- event goes into its stream and the log; a note, whose number is 0, into the log alone. Needs `at`,
-- `position` and `version` as they were checked, and moves them on.
local function happened(of)
  local i, kind, data, meta, v = ARGV[at] + 5, ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], '0'
  at, position = at + 4, position + 1
  if version[i] then
    version[i] = version[i] + 1
    v = string.format('%d', version[i])
    append(KEYS[i], v .. '-0', 'type', kind, 'data', data, 'meta', meta)
  end
  append(log, string.format('%d-0', position),
    'aggregate', of, 'version', v, 'type', kind, 'data', data, 'meta', meta)
end
