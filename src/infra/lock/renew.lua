-- Lengthens the lock's life, if it is still the holder's.
-- KEYS[1] the lock; ARGV[1] the holder's word, ARGV[2] the lifetime in milliseconds
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0
