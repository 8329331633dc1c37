"""A Redis that is not there, comes back, or answers with an error."""

import asyncio
import re

import pytest
from medkg_contracts.errors import LedgerUnavailable
from medkg_ledger import RolloutState, unavailable
from medkg_ledger.wiping import WipeableLedger
from medkg_stack.redis import Redis as RedisServer
from redis.asyncio import Redis
from redis.exceptions import BusyLoadingError, MasterDownError, MovedError, ResponseError

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
        ledger.probe(),
        ledger.stalled(NOW),
        ledger.touch(["j-1"], NOW),
        ledger.configure({}),
        ledger.pause("stage:parse"),
        ledger.resume("stage:parse"),
        ledger.paused(),
        ledger.release(),
        ledger.control_state("parse", ["j-1"]),
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

    with pytest.raises(
        LedgerUnavailable, match="Redis has something else where the ledger's data should be: WRONGTYPE"
    ):
        await ledger.outbox()


@pytest.mark.parametrize(
    ("setting", "word", "remedy"),
    [
        (["CONFIG", "SET", "maxmemory", "1"], "is out of memory", "CONFIG SET maxmemory"),
        (["REPLICAOF", "127.0.0.1", "1"], "is a read-only replica", "REPLICAOF NO ONE"),
        (["CONFIG", "SET", "min-replicas-to-write", "1"], "without its replicas", "min-replicas-to-write"),
        (["ACL", "SETUSER", "default", "-set", "-eval", "-evalsha"], "does not let its user", "medkg:*"),
        (["CONFIG", "SET", "requirepass", "secret"], "refuses the password", "MK_REDIS_URL"),
    ],
)
async def test_redis_that_takes_no_writes(own_server: RedisServer, setting: list[str], word: str, remedy: str) -> None:
    """A Redis that refuses to write says why, and the remedy is its own; writing and probing say the same."""
    operator = Redis.from_url(own_server.address)
    await operator.execute_command(*setting)
    await operator.aclose()
    ledger = WipeableLedger.from_url(own_server.address)
    errors = await asyncio.gather(write(ledger, job()), ledger.probe(), return_exceptions=True)
    await ledger.close()

    assert [LedgerUnavailable] * 2 == [type(error) for error in errors]
    assert all(word in str(error) for error in errors)
    assert all(remedy in error.info.remedy for error in errors if isinstance(error, LedgerUnavailable))


@pytest.mark.parametrize(
    ("error", "message", "remedy"),
    [
        (BusyLoadingError("Redis is loading the dataset in memory"), "Redis is loading its data", "Wait"),
        (ResponseError("MISCONF Redis is configured to save RDB snapshots"), "Redis cannot save its data", "disk"),
        (MasterDownError("Link with MASTER is down"), "Redis is a replica that has lost its primary", "primary"),
        (MovedError("866 127.0.0.1:7001"), "Redis is a cluster", "single"),
        (ResponseError("BUSY Redis is busy running a script"), "Redis is held up", "SCRIPT KILL"),
        (ResponseError("ERR of a later version"), "Redis: ERR of a later version", "Check that the server runs"),
    ],
)
def test_redis_that_refuses(error: Exception, message: str, remedy: str) -> None:
    """Each thing that Redis may refuse for has a remedy of its own; none is the fault of a job."""
    found = unavailable(error)

    assert str(found).startswith(message)
    assert remedy in found.info.remedy


async def test_redis_that_takes_writes(ledger: WipeableLedger) -> None:
    """A probe of a Redis that works says nothing and leaves nothing in the ledger."""
    await ledger.probe()

    assert await ledger.is_empty()


async def test_error_without_words(redis_url: str) -> None:
    """An error that says nothing is named by its class."""
    silent = SilentRedis.from_url(redis_url)

    with pytest.raises(LedgerUnavailable, match=re.escape("Redis: TimeoutError")):
        await WipeableLedger(silent).open()
