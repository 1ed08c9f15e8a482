-- What a process that has applied all voids up to a position has missed since.
-- KEYS: state, stream. ARGV: the epoch that the process knows, its position, most rows.
-- Answers {epoch, sequence, {tags of each missed void}}. Fewer rows than the distance mean a gap.
local state = redis.call('HMGET', KEYS[1], 'epoch', 'sequence')
if state[1] ~= ARGV[1] then
    return {state[1] or '', tonumber(state[2] or '0'), {}}
end
local sequence, position = tonumber(state[2]), tonumber(ARGV[2])
local rows = {}
if sequence > position and sequence - position <= tonumber(ARGV[3]) then
    local found = redis.call('XRANGE', KEYS[2], string.format('%d-0', position + 1), string.format('%d-0', sequence))
    for index, row in ipairs(found) do
        rows[index] = row[2][2]
    end
end
return {state[1], sequence, rows}
