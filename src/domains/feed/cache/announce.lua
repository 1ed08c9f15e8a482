-- Notes that a post is pending, unless it has arrived already: its writer may be late.
-- KEYS: pending posts, the note that this one has arrived. ARGV: now, the post, most posts, lifetime in ms.
if redis.call('EXISTS', KEYS[2]) == 1 then
    return 0
end
redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -ARGV[3] - 1)
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1
