#!lua
-- Ask whoever projects a generation to do something about a parked aggregate.
-- KEYS     1 the generation's parked aggregates
-- ARGV     1 aggregate  2 field of the request  3 its id
-- Returns  1, or 0 where the aggregate is not parked: then nothing was written
-- Errors   none of its own
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
return 1
