-- Puts a post into a timeline that exists or is being built, and trims it; the mark moves with the
-- lowest post that is kept.
-- KEYS: timeline. ARGV: score, member of the post, most posts. Answers 1 if the post is in.
local first = redis.call('ZRANGE', KEYS[1], 0, 0)[1]
if not first then
    return 0
end
local marked = string.byte(first) == 109
if not marked and string.byte(first) ~= 116 then
    return 0
end
local floor = marked and #first > 17 and struct.unpack('>l', first, 18) or nil
if floor and tonumber(ARGV[1]) < floor then
    return 0
end
redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
local over = redis.call('ZCARD', KEYS[1]) - 1 - tonumber(ARGV[3])
if not marked or over <= 0 then
    return 1
end
redis.call('ZREMRANGEBYRANK', KEYS[1], 1, over)
local low = redis.call('ZRANGE', KEYS[1], 1, 1)[1]
if struct.unpack('>l', low) == floor then
    -- Posts of this very instant may be missing below the old mark.
    low = string.sub(low, 1, 8) .. string.rep('\255', 16)
end
redis.call('ZREM', KEYS[1], first)
redis.call('ZADD', KEYS[1], '-inf', string.sub(first, 1, 17) .. low)
return 1
