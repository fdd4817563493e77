-- A token bucket in one key, as in strict.lua, from which a node takes as many permits as there are.
--
-- ARGV: 1 now, or '' for the clock of this server
--       2 the last instant that this rule can tell
--       3 how long the value outlives its use, in milliseconds
--       4, 5 the fewest and the most permits to take
--       6, 7 what one permit costs    8, 9 what the burst costs: the most that may be owed
-- Reply: how many permits were taken, now, and what the key holds afterwards
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

local least, n = tonumber(ARGV[4]), tonumber(ARGV[5])
local one, one_part = tonumber(ARGV[6]), tonumber(ARGV[7])

-- What n permits cost. All numbers are whole and below 2^53.
local function cost(n)
  local picos = n * one_part
  local carry = math.floor(picos / 1000000)
  return n * one + carry, picos - carry * 1000000
end

local function has(n)
  local micros, picos = cost(n)
  local owed, owed_part = now + ARGV[8] - micros, ARGV[9] - picos
  if owed_part < 0 then
    owed, owed_part = owed - 1, owed_part + 1000000
  end
  return full < owed or full == owed and part <= owed_part
end

if n > 0 and not has(n) then
  -- A guess that may be one too high. What is taken is decided without rounding.
  local left, left_part = now + ARGV[8] - full, ARGV[9] - part
  local guess = math.floor((left + left_part / 1000000) / (one + one_part / 1000000)) + 1
  n = math.max(math.min(n - 1, guess), least)
  while n > least and not has(n) do
    n = n - 1
  end
  if not has(n) then
    n = 0
  end
end
if n > 0 then
  if full < now then
    full, part = now, 0
  end
  local micros, picos = cost(n)
  full, part = full + micros, part + picos
  if part >= 1000000 then
    full, part = full + 1, part - 1000000
  end
  local ttl = math.ceil((full - now + 1) / 1000) + ARGV[3]
  redis.call('SET', KEYS[1], string.format('%.0f.%06.0f', full, part), 'PX', string.format('%.0f', ttl))
end
return { n, now, full, part }
