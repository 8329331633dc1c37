-- Credit: which asks for a stage's work go out, and which are held. Put before commit.lua,
-- release.lua and reweigh.lua.
--
-- A service's asks in flight are at most as many as its window. Who comes next is decided by start-time fair queueing:
-- each tenant that waits has a tag, the lowest is served and moves on by 1/weight, and whoever begins to wait begins at
-- the tag that was served last. A tenant stays in the backlog with its tag until it is reached with nothing to release,
-- so leaving and coming back gains it nothing. No tag is further ahead of the clock than one release of its tenant costs:
-- that bounds how far two tenants come apart, and reweigh.lua keeps it so when weights change.
local prefix = ARGV[1]
local DEFAULT_WINDOW = 256
-- Above every number of arrival, so that a tenant's asks are ordered by priority first; three times it is exact.
local PRIORITY = 2 ^ 50

local outbox = prefix .. 'outbox'
local settings, in_pause, services, released = {}, {}, {}, {}

local function paused(scope)
  if in_pause[scope] == nil then in_pause[scope] = redis.call('SISMEMBER', prefix .. 'paused', scope) == 1 end
  return in_pause[scope]
end

local function setting(name, default)
  settings[name] = settings[name] or tonumber(redis.call('HGET', prefix .. 'admission', name)) or default
  return settings[name]
end

-- How far a release moves the tenant's tag.
local function cost(tenant)
  return 1 / setting('weight:' .. tenant, 1)
end

-- What is known of a service: read once, then kept up to date while the script runs.
local function service_of(name)
  if services[name] then return services[name] end
  local service = {
    name = name,
    flight = prefix .. 'flight:' .. name,
    backlog = prefix .. 'backlog:' .. name,
    queue = prefix .. 'queue:' .. name .. ':',
    window = setting('window:' .. name, setting('window', DEFAULT_WINDOW)),
    closed = paused('stage:' .. name) or paused('drain:' .. name),
    clock = tonumber(redis.call('HGET', prefix .. 'clock', name)) or 0,
    newly_held = 0,
  }
  service.used = redis.call('SCARD', service.flight)
  service.backlogged = redis.call('EXISTS', service.backlog) == 1
  services[name] = service
  services[#services + 1] = service
  return service
end

-- Held asks: a hash for each job, of node to a line of "service score revision tenant", and the record behind it.
local function read_held(held)
  local name, score, revision, tenant, record = held:match('^(%S+) (%S+) (%S+) ([^\n]*)\n(.*)$')
  return service_of(name), score, revision, tenant, record
end

local function enqueue(service, tenant, score, member)
  redis.call('ZADD', service.queue .. tenant, score, member)
  redis.call('ZADD', service.backlog, 'NX', service.clock, tenant)
  service.backlogged = true
end

local function depart(service, member, entry, record)
  service.used = service.used + redis.call('SADD', service.flight, member)
  redis.call('HSET', outbox, entry, record)
end

-- Returns 1 when the ask may be sent now, 0 when it is held (or was sent long ago).
local function ask(change, revision, asked, record)
  local service, tenant = service_of(asked.service), asked.tenant
  local job, node = change.id, asked.node
  local member = job .. ' ' .. node
  if asked.sent then
    service.used = service.used + redis.call('SADD', service.flight, member)
    return 0
  end
  local waits = change.parked or service.closed or service.backlogged or service.used >= service.window
  if not waits and not paused('tenant:' .. tenant) then
    depart(service, member, job .. ' ' .. revision .. ' ' .. node, record)
    return 1
  end
  local score = string.format('%.0f', asked.priority * PRIORITY + redis.call('INCR', prefix .. 'arrivals'))
  local held = asked.service .. ' ' .. score .. ' ' .. revision .. ' ' .. tenant .. '\n' .. record
  service.newly_held = service.newly_held + redis.call('HSET', prefix .. 'held:' .. job, node, held)
  if not change.parked then enqueue(service, tenant, score, member) end
  return 0
end

local function withdraw(job, node)
  local held = redis.call('HGET', prefix .. 'held:' .. job, node)
  if not held then return end
  local service, _, _, tenant = read_held(held)
  redis.call('ZREM', service.queue .. tenant, job .. ' ' .. node)
  redis.call('HDEL', prefix .. 'held:' .. job, node)
  service.newly_held = service.newly_held - 1
end

local function settle(job, name, node)
  local service = service_of(name)
  if redis.call('SREM', service.flight, job .. ' ' .. node) == 1 then
    service.used = service.used - 1
  else
    withdraw(job, node)
  end
end

local function withdraw_all(job)
  for _, node in ipairs(redis.call('HKEYS', prefix .. 'held:' .. job)) do withdraw(job, node) end
end

-- Take a job's held asks out of their queues, or put them back where they were.
local function park(job, parked)
  local held = redis.call('HGETALL', prefix .. 'held:' .. job)
  for position = 1, #held, 2 do
    local service, score, _, tenant = read_held(held[position + 1])
    local member = job .. ' ' .. held[position]
    if parked then
      redis.call('ZREM', service.queue .. tenant, member)
    else
      enqueue(service, tenant, score, member)
    end
  end
end

local function release_one(service, tenant, member)
  local job, node = member:match('^(%S+) (.*)$')
  local _, _, revision, _, record = read_held(redis.call('HGET', prefix .. 'held:' .. job, node))
  local entry = job .. ' ' .. revision .. ' ' .. node
  redis.call('HDEL', prefix .. 'held:' .. job, node)
  service.newly_held = service.newly_held - 1
  depart(service, member, entry, record)
  released[#released + 1] = entry
  released[#released + 1] = record
end

-- Spend the service's credit on what it holds. Tenants that are paused stay at the front and are passed over.
local function release(service)
  local passed = 0
  while service.used < service.window do
    local front = redis.call('ZRANGE', service.backlog, passed, passed, 'WITHSCORES')
    local tenant, tag = front[1], tonumber(front[2])
    if not tenant then return end
    if paused('tenant:' .. tenant) then
      passed = passed + 1
    else
      local first = redis.call('ZPOPMIN', service.queue .. tenant)
      if #first == 0 then
        redis.call('ZREM', service.backlog, tenant)
      else
        service.clock = math.max(service.clock, tag)
        redis.call('ZADD', service.backlog, service.clock + cost(tenant), tenant)
        release_one(service, tenant, first[1])
      end
    end
  end
end

-- The last thing that a script does: every service that it touched spends what credit it has.
local function release_touched()
  for _, service in ipairs(services) do
    if service.backlogged and not service.closed then
      release(service)
      redis.call('HSET', prefix .. 'clock', service.name, service.clock)
    end
    redis.call('HINCRBY', prefix .. 'pending', service.name, service.newly_held)
  end
  return released
end
