-- Begins an epoch, unless somebody else has begun one since the caller looked.
-- KEYS: state. ARGV: the epoch that the caller saw (empty: none), the new one, lifetime in ms.
-- Answers {epoch, sequence} as they are now.
local seen = redis.call('HGET', KEYS[1], 'epoch') or ''
if seen == ARGV[1] and ARGV[2] ~= seen then
    redis.call('HSET', KEYS[1], 'epoch', ARGV[2], 'sequence', 0)
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
local state = redis.call('HMGET', KEYS[1], 'epoch', 'sequence')
return {state[1] or '', tonumber(state[2] or '0')}
