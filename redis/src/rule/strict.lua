-- A token bucket in one key. Its value is the instant at which the bucket is full again, "microseconds.picoseconds" since
-- the Unix epoch. Whole numbers below 2^53 are exact in Lua, so the two parts are kept apart.
--
-- ARGV: 1 now, or '' for the clock of this server
--       2 the last instant that this rule can tell
--       3 how long the value outlives its use, in milliseconds
--       4 '1' to charge the permits, '0' to look only
--       5, 6 what the permits cost    7, 8 what may be owed before them
-- Reply: granted, now, and what the key holds afterwards
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
now = math.min(now, tonumber(ARGV[2]))

local full, part = 0, 0
local held = redis.call('GET', KEYS[1])
if held then
  local micros, picos = string.match(held, '^(%d+)%.(%d%d%d%d%d%d)$')
  if not micros or #held > 23 then
    return redis.error_reply('TOLLGATE the key holds no bucket')
  end
  full, part = tonumber(micros), tonumber(picos)
end

local owed, owed_part = now + ARGV[7], tonumber(ARGV[8])
if full > owed or full == owed and part > owed_part then
  return { 0, now, full, part }
end
if ARGV[4] == '1' then
  if full < now then
    full, part = now, 0
  end
  full, part = full + ARGV[5], part + ARGV[6]
  if part >= 1000000 then
    full, part = full + 1, part - 1000000
  end
  local ttl = math.ceil((full - now + 1) / 1000) + ARGV[3]
  redis.call('SET', KEYS[1], string.format('%.0f.%06.0f', full, part), 'PX', string.format('%.0f', ttl))
end
return { 1, now, full, part }
