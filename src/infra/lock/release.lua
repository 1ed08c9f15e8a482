-- Gives the lock up, if it is still the holder's.
-- KEYS[1] the lock; ARGV[1] the holder's word
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
