-- Lets executions through a breaker and a rate limit (GCRA) that all replicas share.
-- KEYS: breaker (hash), rate (its theoretical arrival time, us)
-- ARGV: count, probe's name, probe's lease in us ("" without a breaker), us between permits ("" without a rate), burst
-- The breaker is open while it has `until`; from then on one execution at a time holds the `lease` as its `probe`.
-- Returns the state, us until it is worth asking again, 1 for a probe, and for each that may go, us to wait.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local count, state, again, probe = tonumber(ARGV[1]), 'closed', 0, 0

if ARGV[3] ~= '' then
  local breaker = redis.call('HMGET', KEYS[1], 'until', 'lease')
  local opens, lease = tonumber(breaker[1] or ''), tonumber(breaker[2] or '')
  if opens and now < opens then
    count, state, again = 0, 'open', opens - now
  elseif opens and lease and now < lease then
    count, state, again = 0, 'half_open', lease - now
  elseif opens then
    count, state, probe = math.min(count, 1), 'half_open', 1
  end
end

local waits = {}
if ARGV[4] ~= '' and count > 0 then
  local between, burst = tonumber(ARGV[4]), tonumber(ARGV[5])
  local arrival = math.max(tonumber(redis.call('GET', KEYS[2]) or '0'), now)
  for position = 1, count do
    waits[position] = math.ceil(math.max(0, arrival - (burst - 1) * between - now))
    arrival = arrival + between
  end
  redis.call('SET', KEYS[2], string.format('%.0f', arrival), 'PX', math.ceil((arrival - now) / 1000) + 1000)
else
  for position = 1, count do waits[position] = 0 end
end
if probe == 1 then
  local lease = now + waits[1] + tonumber(ARGV[3])
  redis.call('HSET', KEYS[1], 'lease', string.format('%.0f', lease), 'probe', ARGV[2])
end
return {state, math.ceil(again), probe, unpack(waits)}
