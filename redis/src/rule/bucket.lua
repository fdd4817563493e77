-- A token bucket in one key. Its value is the instant at which the bucket is full again, "microseconds.picoseconds" since
-- the Unix epoch. Whole numbers below 2^53 are exact in Lua, so the two parts are kept apart.
--
-- ARGV: 3 how long the value outlives its use, in milliseconds
local full, part = 0, 0
local held = redis.call('GET', KEYS[1])
if held then
  local micros, picos = string.match(held, '^(%d+)%.(%d%d%d%d%d%d)$')
  if not micros or #held > 23 then
    return redis.error_reply('TOLLGATE the key holds no bucket')
  end
  full, part = tonumber(micros), tonumber(picos)
end

local function charge(micros, picos)
  if full < now then
    full, part = now, 0
  end
  full, part = full + micros, part + picos
  if part >= 1000000 then
    full, part = full + 1, part - 1000000
  end
  local ttl = math.ceil((full - now + 1) / 1000) + ARGV[3]
  redis.call('SET', KEYS[1], string.format('%.0f.%06.0f', full, part), 'PX', string.format('%.0f', ttl))
end

