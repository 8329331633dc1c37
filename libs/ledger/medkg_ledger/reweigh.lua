-- Let changed weights count from the next release on. Behind credit.lua.
-- ARGV: prefix.
-- A tenant has been charged for its last release by its weight at that time. Where the weight was raised since, the tag
-- is more than one release ahead, and others of great weight would be released over and over before it is reached.
for _, name in ipairs(redis.call('HKEYS', prefix .. 'pending')) do
  local service = service_of(name)
  for _, tenant in ipairs(redis.call('ZRANGE', service.backlog, 0, -1)) do
    redis.call('ZADD', service.backlog, 'LT', service.clock + cost(tenant), tenant)
  end
end
