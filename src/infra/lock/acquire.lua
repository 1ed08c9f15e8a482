-- Takes the lock if nobody has it. A token that was drawn before that of the last holder is refused:
-- tokens must rise in the order in which the lock is taken.
-- KEYS[1] the lock, KEYS[2] the last holder's token
-- ARGV[1] the holder's word, ARGV[2] the lifetime in milliseconds, ARGV[3] the holder's token
local last = tonumber(redis.call('GET', KEYS[2]) or '0')
if last >= tonumber(ARGV[3]) then return -1 end
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 0 end
redis.call('SET', KEYS[2], ARGV[3], 'PX', 86400000)
return 1
