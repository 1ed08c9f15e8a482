-- Takes back one call a key.
-- KEYS: counts. ARGV: the sub-window of each that was charged.
for n, key in ipairs(KEYS) do
  local calls = tonumber(redis.call('HGET', key, ARGV[n]) or 0)
  if calls > 1 then
    redis.call('HINCRBY', key, ARGV[n], -1)
  elseif calls == 1 then
    redis.call('HDEL', key, ARGV[n])
  end
end
return 0
