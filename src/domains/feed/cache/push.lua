-- Puts a post into a timeline that exists or is being built, and trims it; the mark moves with the
-- lowest post that is kept.
-- KEYS: timeline. ARGV: score, post, most posts. Answers 1 if the post is in.
local first = redis.call('ZRANGE', KEYS[1], 0, 0)[1]
if not first or #first < 17 then
    return 0
end
local marked = string.byte(first) == 109
local floor = marked and tonumber(string.sub(first, 34)) or nil
if floor and tonumber(ARGV[1]) < floor then
    return 0
end
redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
local over = redis.call('ZCARD', KEYS[1]) - 1 - tonumber(ARGV[3])
if not marked or over <= 0 then
    return 1
end
redis.call('ZREMRANGEBYRANK', KEYS[1], 1, over)
local low = redis.call('ZRANGE', KEYS[1], 1, 1, 'WITHSCORES')
local id = low[1]
if tonumber(low[2]) == floor then
    -- Posts of this very instant may be missing below the old mark.
    id = string.rep('\255', 16)
end
redis.call('ZREM', KEYS[1], first)
redis.call('ZADD', KEYS[1], '-inf', string.sub(first, 1, 17) .. id .. low[2])
return 1
