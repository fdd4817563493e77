-- All permits of a call, or none.
--
-- ARGV: 4 '1' to charge the permits, '0' to look only
--       5, 6 what the permits cost    7, 8 what may be owed before them
-- Reply: granted, now, and what the key holds afterwards
local owed, owed_part = now + ARGV[7], tonumber(ARGV[8])
if full > owed or full == owed and part > owed_part then
  return { 0, now, full, part }
end
if ARGV[4] == '1' then
  charge(ARGV[5], ARGV[6])
end
return { 1, now, full, part }
