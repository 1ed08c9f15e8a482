-- Counts a call, by the server's clock.
-- KEYS: counts. ARGV: as `limit` takes them.
local time = redis.call('TIME')
return limit(KEYS, ARGV, time[1] * 1000000 + time[2])
