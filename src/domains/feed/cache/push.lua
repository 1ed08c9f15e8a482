-- Puts a post into timelines that exist or are being built, and now and then trims them.
-- KEYS: timelines. ARGV: score, member of the post, most posts.
--
-- This runs once for each reader of each post, so it asks for no more than it needs: most posts are
-- put in and that is all. One of sixteen, by its random last byte, trims: until the next one that does,
-- a timeline holds some posts more than it has to.
local score, member, most = ARGV[1], ARGV[2], tonumber(ARGV[3])
local call = redis.call

-- The watermark moves up with the lowest post that is kept, and never down: a post can lie below it that is
-- older than what the timeline holds.
local function trim(key)
    local first = call('ZRANGE', key, 0, 0)[1]
    if string.byte(first) ~= 109 then
        return
    end
    local over = call('ZCARD', key) - 1 - most
    if over <= 0 then
        return
    end
    call('ZREMRANGEBYRANK', key, 1, over)
    local low = call('ZRANGE', key, 1, 1)[1]
    local lowest = struct.unpack('>l', low)
    local floor = #first > 17 and struct.unpack('>l', first, 18)
    if floor and lowest < floor then
        return
    end
    if lowest == floor then
        -- Posts of this very instant may be missing below the old watermark.
        low = string.sub(low, 1, 8) .. string.rep('\255', 16)
    end
    call('ZREM', key, first)
    call('ZADD', key, '-inf', string.sub(first, 1, 17) .. low)
end

local trims = string.byte(member, #member) % 16 == 0
for _, key in ipairs(KEYS) do
    if call('EXISTS', key) == 1 then
        call('ZADD', key, score, member)
        if trims then
            trim(key)
        end
    end
end
