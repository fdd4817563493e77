-- A sliding log in one key: a ring of the instants at which permits were granted, in microseconds since the Unix epoch.
-- Permits are numbered from 0. The value is a string: 4 bytes that name the format; the number of permits ever granted,
-- the slots of the ring, the newest stamp and the longest window, 8 bytes each; and 8 bytes for each slot.
--
-- ARGV: 3 how long the value outlives its use, in milliseconds
--       4 '1' to charge the permits, '0' to look only
--       5 the permits; with 0, what is left is counted
--       6 the largest limit   7 the longest window   8, 9 a limit and its window   10, 11 the next ones ...
-- Reply: granted, now, and for each quota the stamp of the permit that must have left its window, or -1.
-- Without permits: 1, now, the newest stamp or -1, and for each quota what is used and the stamp of the oldest of these.
local key, head_size = KEYS[1], 36
local n, wanted, longest = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])

local granted, slots, newest = 0, wanted, -1
local head = redis.call('GETRANGE', key, 0, head_size - 1)
if head ~= '' then
  if #head < head_size or string.sub(head, 1, 4) ~= 'TGX1' then
    return redis.error_reply('TOLLGATE the key holds no log')
  end
  local window
  granted, slots, newest, window = struct.unpack('>I8I8I8I8', head, 5)
  longest = math.max(longest, window)
end

-- A ring that was made for smaller limits has forgotten some permits. They are not newer than the oldest that it has.
local function stamp(permit)
  local slot = math.max(permit, granted - slots) % slots
  local at = head_size + slot * 8
  return (struct.unpack('>I8', redis.call('GETRANGE', key, at, at + 7)))
end

if n == 0 then
  local reply = { 1, now, newest }
  for i = 8, #ARGV, 2 do
    local limit, window = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
    local left, counted = math.max(granted - limit, 0), granted
    while left < counted do
      local middle = math.floor((left + counted) / 2)
      if stamp(middle) + window <= now then
        left = middle + 1
      else
        counted = middle
      end
    end
    reply[#reply + 1] = granted - counted
    reply[#reply + 1] = counted < granted and stamp(counted) or -1
  end
  return reply
end

local reply = { 1, now }
for i = 8, #ARGV, 2 do
  local leaving = granted + n - 1 - ARGV[i]
  local at = leaving >= 0 and stamp(leaving) or -1
  if at >= 0 and at + ARGV[i + 1] > now then
    reply[1] = 0
  end
  reply[#reply + 1] = at
end
if reply[1] == 0 or ARGV[4] ~= '1' then
  return reply
end

newest = math.max(newest, now)
local stamped = struct.pack('>I8', newest)
local ttl = string.format('%.0f', math.ceil((newest + longest - now) / 1000) + ARGV[3])
local function header()
  return 'TGX1' .. struct.pack('>I8I8I8I8', granted + n, slots, newest, longest)
end

-- In one command, so that no key can be made that stays for ever.
if head == '' then
  redis.call('SET', key, header() .. string.rep(stamped, n), 'PX', ttl)
  return reply
end
if slots < wanted then
  if granted > slots then
    local ring = redis.call('GETRANGE', key, head_size, -1)
    local oldest = granted % slots * 8
    ring = string.sub(ring, oldest + 1) .. string.sub(ring, 1, oldest)
    ring = string.rep(string.sub(ring, 1, 8), math.min(granted, wanted) - slots) .. ring
    redis.call('SETRANGE', key, head_size, ring)
    granted = #ring / 8
  end
  slots = wanted
end
redis.call('SETRANGE', key, 0, header())
local first = granted % slots
local before = math.min(n, slots - first)
redis.call('SETRANGE', key, head_size + first * 8, string.rep(stamped, before))
if before < n then
  redis.call('SETRANGE', key, head_size, string.rep(stamped, n - before))
end
redis.call('PEXPIRE', key, ttl)
return reply
