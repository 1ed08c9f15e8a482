-- Merges what was read into the timeline that is being built, and marks it as complete.
-- KEYS: timeline, the stamps of its two tags. ARGV: token, the stamps as they were before the read,
-- most posts, lifetime in ms, score and member of the lowest row (empty: there are no more rows),
-- then score and member of every row.
-- Answers 1 if the timeline counts now.
if not redis.call('ZSCORE', KEYS[1], 't' .. ARGV[1]) then
    return 0
end
redis.call('ZREM', KEYS[1], 't' .. ARGV[1])
if redis.call('GET', KEYS[2]) ~= ARGV[2] or redis.call('GET', KEYS[3]) ~= ARGV[3] then
    redis.call('DEL', KEYS[1])
    return 0
end
for at = 8, #ARGV, 1000 do
    redis.call('ZADD', KEYS[1], unpack(ARGV, at, math.min(at + 999, #ARGV)))
end
local floor, watermark = tonumber(ARGV[6]), ARGV[7]
if floor then
    -- What was pushed meanwhile and lies below says nothing of its neighbours.
    redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. ARGV[6])
end
local over = redis.call('ZCARD', KEYS[1]) - tonumber(ARGV[4])
if over > 0 then
    redis.call('ZREMRANGEBYRANK', KEYS[1], 0, over - 1)
    watermark = redis.call('ZRANGE', KEYS[1], 0, 0)[1]
    if struct.unpack('>l', watermark) == floor then
        watermark = string.sub(watermark, 1, 8) .. string.rep('\255', 16)
    end
end
redis.call('ZADD', KEYS[1], '-inf', 'm' .. ARGV[2] .. ARGV[3] .. watermark)
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return 1
