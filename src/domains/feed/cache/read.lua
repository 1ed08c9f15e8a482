-- The newest part of a timeline, at one instant.
-- KEYS: timeline, the stamps of its two tags. ARGV: highest score, most posts.
-- Answers {position of the mark or false, milliseconds left, {post, score, ...}}; false: there is no
-- timeline that counts.
local first = redis.call('ZRANGE', KEYS[1], 0, 0)[1]
if not first or #first < 17 or string.byte(first) ~= 109 then
    return {false, 0, {}}
end
if redis.call('GET', KEYS[2]) ~= string.sub(first, 2, 9) or redis.call('GET', KEYS[3]) ~= string.sub(first, 10, 17) then
    return {false, 0, {}}
end
local posts = redis.call('ZRANGE', KEYS[1], ARGV[1], '(-inf', 'BYSCORE', 'REV', 'LIMIT', 0, ARGV[2], 'WITHSCORES')
return {string.sub(first, 18), redis.call('PTTL', KEYS[1]), posts}
