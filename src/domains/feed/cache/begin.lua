-- Begins to build a timeline, unless somebody is building it or there is one that counts.
-- KEYS: timeline, the stamps of its two tags. ARGV: token of 16 bytes, milliseconds to build in.
-- Answers 1 if the caller is the one to build.
local first = redis.call('ZRANGE', KEYS[1], 0, 0)[1]
if first and #first == 17 and string.byte(first) == 116 then
    return 0
end
if first and #first >= 17 and redis.call('GET', KEYS[2]) == string.sub(first, 2, 9)
    and redis.call('GET', KEYS[3]) == string.sub(first, 10, 17) then
    return 0
end
redis.call('DEL', KEYS[1])
redis.call('ZADD', KEYS[1], '-inf', 't' .. ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
