-- Notes on parked aggregates: by now it is known that a stranger has put nothing else in their place.
for i = 11, #ARGV, 2 do
  if ARGV[i + 1] == '' then call('HDEL', KEYS[2], ARGV[i])
  else call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
end
