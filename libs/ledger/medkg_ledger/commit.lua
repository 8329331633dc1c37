-- Compare-and-set of many jobs, each with its indexes, timers, outbox and asks, in one call. Behind credit.lua.
-- ARGV: prefix; the changes as JSON, as `Change.facts` names them; then for each change its new body, its outbox ("" for
-- none) and the record of each of its asks.
-- Returns for each change 1 when it was written, 0 when its revision was another; for each ask of the written ones 1 when
-- it may be sent, 0 when it is held; and the outbox entry and record of each ask that was released, in a flat list.

-- Work of a cancelled job that is older than this has long left the queues.
local FENCE_S = 7 * 24 * 3600
-- Percentiles are of so many durations.
local DURATIONS = 1000

local taken = 2
local written, granted = {}, {}

local function take()
  taken = taken + 1
  return ARGV[taken]
end

local function count(ended)
  redis.call('HINCRBY', prefix .. 'figures:' .. ended.version, ended.failed and 'failed' or 'completed', 1)
  if ended.failed then return end
  redis.call('LPUSH', prefix .. 'durations:' .. ended.version, ended.duration)
  redis.call('LTRIM', prefix .. 'durations:' .. ended.version, 0, DURATIONS - 1)
end

local function write(change, revision, body, records)
  local id = change.id
  redis.call('HSET', prefix .. 'job:' .. id, 'rev', revision, 'body', body)
  for _, entry in ipairs(change.leave) do redis.call('ZREM', prefix .. 'index:' .. entry, id) end
  for _, entry in ipairs(change.join) do redis.call('ZADD', prefix .. 'index:' .. entry, change.created, id) end
  for _, timer in ipairs(change.timers) do redis.call('ZADD', prefix .. 'timers', timer[1], timer[2]) end
  for _, timer in ipairs(change.drop) do redis.call('ZREM', prefix .. 'timers', timer) end
  if change.ended then
    redis.call('ZREM', prefix .. 'moved', id)
  else
    redis.call('ZADD', prefix .. 'moved', change.moved, id)
  end
  if records ~= '' then redis.call('HSET', outbox, id .. ' ' .. revision, records) end
  if change.counts then count(change.counts) end
end

local function order(change)
  for _, settled in ipairs(change.settled) do settle(change.id, settled[1], settled[2]) end
  if change.fence then
    withdraw_all(change.id)
    redis.call('SET', prefix .. 'fence:' .. change.id, change.fence, 'EX', FENCE_S)
  end
  if change.hold ~= nil then park(change.id, change.hold) end
end

for _, change in ipairs(cjson.decode(ARGV[2])) do
  local body, records = take(), take()
  local revision = tonumber(redis.call('HGET', prefix .. 'job:' .. change.id, 'rev') or '0')
  local current = revision == change.revision
  written[#written + 1] = current and 1 or 0
  if current then
    write(change, revision + 1, body, records)
    order(change)
  end
  for _, asked in ipairs(change.asks) do
    local record = take()
    if current then granted[#granted + 1] = ask(change, revision + 1, asked, record) end
  end
end
return { written, granted, release_touched() }
