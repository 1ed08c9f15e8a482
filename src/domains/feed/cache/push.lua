-- Puts a post into timelines that exist or are being built, and trims them; the mark moves with the
-- lowest post that is kept.
-- KEYS: timelines. ARGV: score, member of the post, most posts.
local score, member, most = ARGV[1], ARGV[2], tonumber(ARGV[3])

local function push(key)
    local first = redis.call('ZRANGE', key, 0, 0)[1]
    if not first then
        return
    end
    local marked = string.byte(first) == 109
    if not marked and string.byte(first) ~= 116 then
        return
    end
    local floor = marked and #first > 17 and struct.unpack('>l', first, 18) or nil
    if floor and tonumber(score) < floor then
        return
    end
    redis.call('ZADD', key, score, member)
    local over = redis.call('ZCARD', key) - 1 - most
    if not marked or over <= 0 then
        return
    end
    redis.call('ZREMRANGEBYRANK', key, 1, over)
    local low = redis.call('ZRANGE', key, 1, 1)[1]
    if struct.unpack('>l', low) == floor then
        -- Posts of this very instant may be missing below the old mark.
        low = string.sub(low, 1, 8) .. string.rep('\255', 16)
    end
    redis.call('ZREM', key, first)
    redis.call('ZADD', key, '-inf', string.sub(first, 1, 17) .. low)
end

for _, key in ipairs(KEYS) do
    push(key)
end
