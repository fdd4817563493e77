-- The instant of the decision, in whole microseconds since the Unix epoch. It stands before each script.
--
-- ARGV: 1 now, or '' for the clock of this server
--       2 the last instant that this rule can tell
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
now = math.min(now, tonumber(ARGV[2]))

