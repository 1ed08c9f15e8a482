-- Counts calls, for a script to be made with: a local function over keys and arguments.
-- args: two numbers a key: quota, and window in milliseconds. Answers with a list a key: whether the policy
-- allows the call (1 or 0), how many more would pass, milliseconds until more would, and the sub-window that
-- was charged. All keys are charged or none; one that is given several times is charged as often. A key is a
-- hash of sub-windows with a lifetime that is set in the same step.
local function limit(keys, args, now_micros)
  local counted, all, asked = {}, true, {}
  for n, key in ipairs(keys) do
    local quota, window = tonumber(args[2 * n - 1]), tonumber(args[2 * n])
    local width = window * 100
    local one = {quota = quota, window = window, width = width, used = 0, slots = {}, old = {}}
    one.slot = math.floor(now_micros / width)
    local stored = redis.call('HGETALL', key)
    for f = 1, #stored, 2 do
      local at, calls = tonumber(stored[f]), tonumber(stored[f + 1])
      if at and calls and at + 10 >= one.slot and at <= one.slot + 10 then
        one.used = one.used + calls
        one.slots[#one.slots + 1] = {at, calls}
      else
        one.old[#one.old + 1] = stored[f]
      end
    end
    asked[key] = (asked[key] or 0) + 1
    one.calls = asked[key]
    one.allowed = one.used + one.calls <= quota
    all = all and one.allowed
    counted[n] = one
  end
  local answer = {}
  for n, key in ipairs(keys) do
    local one = counted[n]
    if all then
      if #one.old > 0 then redis.call('HDEL', key, unpack(one.old)) end
      redis.call('HINCRBY', key, string.format('%.0f', one.slot), 1)
      redis.call('PEXPIRE', key, string.format('%.0f', math.ceil(one.window * 1.1) + 1))
      one.used = one.used + one.calls
      one.slots[#one.slots + 1] = {one.slot, one.calls}
    end
    table.sort(one.slots, function(a, b) return a[1] < b[1] end)
    local left, enough, reset = one.used, math.min(one.used, one.quota), 0
    for _, slot in ipairs(one.slots) do
      if left < enough or left == 0 then break end
      left = left - slot[2]
      if left < enough then
        reset = math.max(0, math.ceil(((slot[1] + 11) * one.width - now_micros) / 1000))
      end
    end
    answer[n] = {one.allowed and 1 or 0, math.max(0, one.quota - one.used), reset, one.slot}
  end
  return answer
end
