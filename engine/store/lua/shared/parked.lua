-- Notes on parked aggregates, written before anything else: where a stranger has put another kind
-- of value in their place, the first of these calls fails, and nothing has been written.
for i = 11, #ARGV, 2 do
  if ARGV[i + 1] == '' then call('HDEL', KEYS[2], ARGV[i])
  else call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
end
