"""A replica that executes as often as its rate limit lets it; prints when, by the machine's monotonic clock."""

import asyncio
import json
import sys
from time import monotonic

from medkg_contracts.policy import Policy, RateLimit
from medkg_stagekit.shared_guard import SharedGuard
from redis.asyncio import Redis


async def main(url: str, prefix: str, per_s: float, burst: int, count: int) -> None:
    """Execute `count` times."""
    policy = Policy(name="rated", rate=RateLimit(per_s=per_s, burst=burst))
    executed: list[float] = []
    async with Redis.from_url(url) as redis:
        guard = SharedGuard(redis, prefix)
        began = monotonic()
        while len(executed) < count:
            admitted = await guard.admit("shout", policy, min(4, count - len(executed)))
            asked = monotonic()
            for wait in admitted.waits:
                await asyncio.sleep(max(0.0, asked + wait - monotonic()))
                executed.append(monotonic())
    sys.stdout.write(json.dumps({"began": began, "executed": executed}))


if __name__ == "__main__":
    url, prefix, per_s, burst, count = sys.argv[1:]
    asyncio.run(main(url, prefix, float(per_s), int(burst), int(count)))
