"""A Redis that is not there, comes back, or answers with an error."""

import asyncio
import re

import pytest
from medkg_contracts.errors import LedgerUnavailable
from medkg_ledger import RolloutState
from medkg_ledger.wiping import WipeableLedger
from medkg_stack.redis import Redis as RedisServer
from redis.asyncio import Redis

from .interruptions import SilentRedis
from .records import NOW, PLAN, job, new, timer, write

pytestmark = pytest.mark.integration


async def test_every_method_says_that_redis_is_away(closed_url: str) -> None:
    """Where nobody listens, every method raises LedgerUnavailable, which is worth another try."""
    ledger = WipeableLedger.from_url(closed_url)
    outcomes = await asyncio.gather(
        ledger.open(),
        ledger.recognise(),
        ledger.load(["j-1"]),
        ledger.get("j-1"),
        ledger.commit([new(job())]),
        ledger.forget(["j-1 1"]),
        ledger.outbox(),
        ledger.due_timers(NOW),
        ledger.next_timer(),
        ledger.drop_timers([timer("mineru", NOW)]),
        ledger.save_plan(PLAN),
        ledger.plan(PLAN.digest),
        ledger.plans(),
        ledger.counts(["all"]),
        ledger.jobs({}),
        ledger.wipe(),
        ledger.is_empty(),
        ledger.stalled(NOW),
        ledger.touch(["j-1"], NOW),
        ledger.configure({}),
        ledger.pause("stage:parse"),
        ledger.resume("stage:parse"),
        ledger.paused(),
        ledger.release(),
        ledger.standing("parse", ["j-1"]),
        ledger.pending(),
        ledger.admission("parse", "j-1", "parse"),
        ledger.stable("trials"),
        ledger.set_stable("trials", "0" * 64),
        ledger.rollout("trials"),
        ledger.save_rollout("trials", RolloutState(new="0" * 64, old="1" * 64, percent=10)),
        ledger.figures("trials", "0" * 64),
        return_exceptions=True,
    )
    await ledger.close()

    assert {(LedgerUnavailable, True)} == {(type(error), getattr(error, "retryable", None)) for error in outcomes}


async def test_redis_comes_back(own_server: RedisServer) -> None:
    """The same ledger works again when Redis is back, though empty and without the script."""
    ledger = WipeableLedger.from_url(own_server.address)
    await write(ledger, job())
    own_server.wipe()
    with pytest.raises(LedgerUnavailable):
        await ledger.open()
    own_server.start()
    await write(ledger, job())

    assert job() == await ledger.get("j-1")
    await ledger.close()


async def test_an_emptied_ledger_is_not_recognised(ledger: WipeableLedger) -> None:
    """A ledger is recognised until somebody empties it, also when somebody else has opened the new one."""
    await ledger.open()
    await ledger.recognise()
    await ledger.wipe()

    with pytest.raises(LedgerUnavailable, match="emptied or replaced"):
        await ledger.recognise()
    await WipeableLedger(ledger._redis, ledger._prefix).open()
    with pytest.raises(LedgerUnavailable, match="emptied or replaced"):
        await ledger.recognise()


async def test_a_ledger_keeps_its_name(ledger: WipeableLedger, redis: Redis, prefix: str) -> None:
    """Whoever opens a ledger after another finds the same one."""
    await ledger.open()
    other = WipeableLedger(redis, prefix)
    await other.open()

    await ledger.recognise()
    await other.recognise()


async def test_error_that_redis_answers(ledger: WipeableLedger, redis: Redis, prefix: str) -> None:
    """An error that Redis itself answers is LedgerUnavailable with Redis's words."""
    await redis.set(f"{prefix}outbox", "not a hash")

    with pytest.raises(LedgerUnavailable, match="Redis: WRONGTYPE"):
        await ledger.outbox()


async def test_error_without_words(redis_url: str) -> None:
    """An error that says nothing is named by its class."""
    silent = SilentRedis.from_url(redis_url)

    with pytest.raises(LedgerUnavailable, match=re.escape("Redis: TimeoutError")):
        await WipeableLedger(silent).open()
