-- Compare-and-set of many jobs, each with its indexes, timers and outbox, in one call.
-- ARGV: prefix, then for each job:
--   job id, expected revision, new body, score of index entries,
--   n, n index entries to leave, n, n entries to join, n, n pairs of timer (due ms, member), n, n timers to drop,
--   outbox ("" for none)
-- Returns for each job 1 when it was written, 0 when its revision was another.
local prefix = ARGV[1]
local at = 2
local written = {}

local function take()
  local value = ARGV[at]
  at = at + 1
  return value
end

local function take_list()
  local values = {}
  for position = 1, tonumber(take()) do values[position] = take() end
  return values
end

while at <= #ARGV do
  local id, expected, body, score = take(), tonumber(take()), take(), take()
  local leave, join, timers, drop, outbox = take_list(), take_list(), take_list(), take_list(), take()
  local key = prefix .. 'job:' .. id
  local revision = tonumber(redis.call('HGET', key, 'rev') or '0')
  if revision ~= expected then
    written[#written + 1] = 0
  else
    redis.call('HSET', key, 'rev', revision + 1, 'body', body)
    for _, entry in ipairs(leave) do redis.call('ZREM', prefix .. 'index:' .. entry, id) end
    for _, entry in ipairs(join) do redis.call('ZADD', prefix .. 'index:' .. entry, score, id) end
    for position = 1, #timers, 2 do redis.call('ZADD', prefix .. 'timers', timers[position], timers[position + 1]) end
    for _, timer in ipairs(drop) do redis.call('ZREM', prefix .. 'timers', timer) end
    if outbox ~= '' then redis.call('HSET', prefix .. 'outbox', id .. ' ' .. (revision + 1), outbox) end
    written[#written + 1] = 1
  end
end
return written
