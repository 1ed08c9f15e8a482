-- Makes a void known: the next number of the sequence, and the tags under it.
-- KEYS: state, stream. ARGV: the epoch of the writer, the tags, lifetimes of both keys in ms.
-- Answers {epoch, number}; with another epoch than the writer's nothing was done.
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if epoch ~= ARGV[1] then
    return {epoch or '', 0}
end
local number = redis.call('HINCRBY', KEYS[1], 'sequence', 1)
redis.call('XADD', KEYS[2], 'MAXLEN', '~', 8192, string.format('%d-0', number), 't', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return {epoch, number}
