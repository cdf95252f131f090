-- Takes one call out of an allowance, or says how long to wait for it: the generic cell rate algorithm. What is kept is one
-- moment, at which the whole allowance would be back. It is forgotten then, for nothing kept means the same.
--
-- KEYS[1]  whose allowance of what
-- ARGV[1]  nanoseconds between two calls at the sustained rate
-- ARGV[2]  nanoseconds of such calls that may come at once
-- Answers with the microseconds to wait; 0 means that the call was taken.
--
-- All processes ask one clock, which is the one here. In microseconds it has 51 bits, so that a number holds it exactly.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local interval, room = ARGV[1] / 1000, ARGV[2] / 1000
-- No further ahead than it can be: the clock may be another one since, after a failover.
local kept = math.min(tonumber(redis.call('GET', KEYS[1]) or now), now + room)
local full = math.max(kept, now) + interval
local wait = full - room - now
if wait > 0 then
  return math.ceil(wait)
end
redis.call('SET', KEYS[1], string.format('%.3f', full), 'PX', math.ceil((full - now) / 1000))
return 0
