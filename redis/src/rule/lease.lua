-- As many permits as there are, for a node.
--
-- ARGV: 4, 5 the fewest and the most permits to take
--       6, 7 what one permit costs    8, 9 what the burst costs: the most that may be owed
-- Reply: how many permits were taken, now, and what the key holds afterwards
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
  charge(cost(n))
end
return { n, now, full, part }
