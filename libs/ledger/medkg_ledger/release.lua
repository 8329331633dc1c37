-- Release what is held of these services, as far as there is credit. Behind credit.lua.
-- ARGV: prefix, then the services; none means all.
-- Returns outbox entry and record of each ask that was released, in a flat list.
local names = #ARGV > 1 and { unpack(ARGV, 2) } or redis.call('HKEYS', prefix .. 'pending')
for _, name in ipairs(names) do service_of(name) end
return release_touched()
