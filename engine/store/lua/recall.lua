#!lua flags=no-writes
-- Read aggregates at once, each from its snapshot on if that was made by the same code.
-- KEYS     one aggregate's stream and its snapshot, each
-- ARGV     1 events per aggregate at the most  2… the schema of each one's snapshot; '' for none
-- Returns  per aggregate: its snapshot or nil; then its length, else 0; its entries, from the very
--          one that the snapshot was made at. All of them where it has none of that schema: then what is
--          returned of it is its beginning
-- Errors   none of its own
local HEADER = '^{"version":(%d+),"entry":"%d+%-%d+","schema":"(%x+)"'
local BEGINNING = 200 -- characters: more than a header has
local found = {}
for i = 1, #KEYS, 2 do
  local schema, first, kept = ARGV[(i + 3) / 2], '0', false
  local length = redis.call('XLEN', KEYS[i])
  if length > 0 and schema ~= '' then
    kept = redis.pcall('GET', KEYS[i + 1])
    if type(kept) == 'table' then kept = '' end -- a stranger's: no text at all
    local version, its = (kept or ''):match(HEADER)
    if its == schema then
      first = version
    else
      kept = kept and kept:sub(1, BEGINNING)
    end
  end
  local events = length == 0 and {}
    or redis.call('XRANGE', KEYS[i], first .. '-0', '+', 'COUNT', ARGV[1])
  found[#found + 1] = {kept, kept and length or 0, events}
end
return found
