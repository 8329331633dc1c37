-- Records how executions behind a breaker went, and opens or closes it: each turn is reported to one caller only.
-- KEYS: breaker (hash of `failures` while closed, of `until`, `lease` and `probe` while open)
-- ARGV: failures that open it, us until a probe, results in their order ("1" succeeded, "0" failed), probe's name
-- Returns the state and the ms since 1970 of the turn, 0 when there was none.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local reset, results = tonumber(ARGV[2]), ARGV[3]
-- A breaker that nobody asks for any more is forgotten in the end.
local keep = math.ceil(reset / 1000) + 86400000

local function open()
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'until', string.format('%.0f', now + reset))
  redis.call('PEXPIRE', KEYS[1], keep)
end

local breaker = redis.call('HMGET', KEYS[1], 'until', 'probe', 'failures')
local opens = tonumber(breaker[1] or '')
if opens then
  local ours = ARGV[4] ~= '' and breaker[2] == ARGV[4]
  if ours and results == '' then
    redis.call('HDEL', KEYS[1], 'lease', 'probe')
  elseif ours and string.find(results, '0', 1, true) then
    open()
    return {'open', 0}
  elseif ours then
    redis.call('DEL', KEYS[1])
    return {'closed', math.floor(now / 1000)}
  end
  return {now < opens and 'open' or 'half_open', 0}
end

local failures = tonumber(breaker[3] or '0')
for position = 1, #results do
  failures = string.sub(results, position, position) == '1' and 0 or failures + 1
  if failures >= tonumber(ARGV[1]) then
    open()
    return {'open', math.floor(now / 1000)}
  end
end
if failures > 0 then
  redis.call('HSET', KEYS[1], 'failures', failures)
  redis.call('PEXPIRE', KEYS[1], keep)
elseif breaker[3] then
  redis.call('DEL', KEYS[1])
end
return {'closed', 0}
