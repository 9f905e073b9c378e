-- Timers of a commit: the arguments behind `at` up to `to`, three for each. Key, due in ms, timer:
-- set it. Key, '', '': cancel it. Key, '', number: its command was handled, and it goes if it is
-- still the one that stands, and has fired. What could fail is asked here, before the first write.
if timers_at < letters_at then
  call('ZCARD', KEYS[8])
  call('HLEN', KEYS[9])
end
local function number_of(value)
  local is_read, timer = pcall(cjson.decode, value)
  return is_read and type(timer) == 'table' and timer.number
end
local function write_timers(timers, timer)
  for i = timers_at, letters_at - 1, 3 do
    local key, due, what = ARGV[i], ARGV[i + 1], ARGV[i + 2]
    if due ~= '' then
      call('ZADD', timers, due, key)
      call('HSET', timer, key, what)
    elseif what == '' then
      call('ZREM', timers, key)
      call('HDEL', timer, key)
    elseif not call('ZSCORE', timers, key) and number_of(call('HGET', timer, key) or '') == what then
      call('HDEL', timer, key)
    end
  end
end
