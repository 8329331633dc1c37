"""Breakers and rate limits: in one process, and in a real Redis across all replicas."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from medkg_contracts.policy import Breaker, Policy, RateLimit
from medkg_stagekit import shared_guard
from medkg_stagekit.guard import Admitted, BreakerState, Guard
from medkg_stagekit.local_guard import LocalGuard
from medkg_stagekit.shared_guard import SharedGuard
from redis.asyncio import Redis

#: Three failures open it, and it stays open for as long as the test.
PATIENT = Policy(name="patient", breaker=Breaker(failures=3, reset_s=600))

#: The same, but a probe may go at once.
EAGER = Policy(name="eager", breaker=Breaker(failures=3, reset_s=0.001))


@asynccontextmanager
async def replicas_at(url: str, count: int) -> AsyncIterator[list[Guard]]:
    """So many guards of one deployment, each with a connection of its own."""
    prefix = f"medkg-{uuid4().hex}:"
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(Redis.from_url(url)) for _ in range(count)]
        yield [SharedGuard(client, prefix) for client in clients]


@pytest.fixture
async def replicas(redis_url: str) -> AsyncIterator[list[Guard]]:
    """The guards of three replicas."""
    async with replicas_at(redis_url, 3) as guards:
        yield guards


@pytest.fixture(params=["local", pytest.param("shared", marks=pytest.mark.integration)])
async def guard(request: pytest.FixtureRequest) -> AsyncIterator[Guard]:
    """Each kind of guard."""
    if request.param == "local":
        yield LocalGuard()
        return
    async with replicas_at(request.getfixturevalue("redis_url"), 1) as (guard,):
        yield guard


async def admitted(guard: Guard, policy: Policy, count: int = 1) -> Admitted:
    """What is let through, once anything is."""
    found = await guard.admit("shout", policy, count)
    if found.waits:
        return found
    await asyncio.sleep(min(found.again_s, 0.01))
    return await admitted(guard, policy, count)


async def opened(guard: Guard, policy: Policy) -> None:
    assert BreakerState.OPEN is (await guard.record("shout", policy, [False] * 3)).state or policy is EAGER


async def test_a_policy_without_limits_lets_everything_through(guard: Guard) -> None:
    """Without a breaker and a rate limit nothing is kept back, and nothing is counted."""
    assert [0.0] * 100 == list((await guard.admit("shout", Policy(), 100)).waits)


@pytest.mark.parametrize(
    ("results", "state"),
    [
        ([False, False], BreakerState.CLOSED),
        ([False, False, True, False, False], BreakerState.CLOSED),
        ([True, False, False, False], BreakerState.OPEN),
        ([False, False, False, True], BreakerState.OPEN),
    ],
)
async def test_failures_in_a_row_open_a_breaker(results, state, guard: Guard) -> None:
    """Only uninterrupted failures open it; an open one lets nothing through, and says when to ask again."""
    verdict = await guard.record("shout", PATIENT, results)
    found = await guard.admit("shout", PATIENT, 2)

    assert (state, state is BreakerState.OPEN) == (verdict.state, verdict.turned_ms is not None)
    assert (state, 2 if state is BreakerState.CLOSED else 0) == (found.state, len(found.waits))
    assert (state is BreakerState.OPEN) == (500 < found.again_s <= 600)


async def test_failures_are_counted_over_calls(guard: Guard) -> None:
    """Failures of several batches are in a row if no success is between them."""
    states = [(await guard.record("shout", PATIENT, [False])).state for _ in range(3)]

    assert [BreakerState.CLOSED, BreakerState.CLOSED, BreakerState.OPEN] == states


async def test_each_service_and_policy_has_its_own_breaker(guard: Guard) -> None:
    """What fails for one service or under one policy is let through for another."""
    await opened(guard, PATIENT)

    assert [0.0] == list((await guard.admit("index", PATIENT, 1)).waits)
    assert [0.0] == list((await guard.admit("shout", PATIENT.model_copy(update={"name": "other"}), 1)).waits)


@pytest.mark.parametrize(("results", "state"), [([True], BreakerState.CLOSED), ([False], BreakerState.HALF_OPEN)])
async def test_a_probe_decides(results, state, guard: Guard) -> None:
    """After its time an open breaker lets one execution through: that one closes it or opens it anew."""
    await opened(guard, EAGER)
    probe = await admitted(guard, EAGER, 5)
    others = await guard.admit("shout", EAGER, 5)
    verdict = await guard.record("shout", EAGER, results, probe.probe)

    assert (1, True, 0) == (len(probe.waits), bool(probe.probe), len(others.waits))
    assert (state is BreakerState.CLOSED) == (verdict.turned_ms is not None)
    after = await admitted(guard, EAGER, 5)
    assert (state, 5 if state is BreakerState.CLOSED else 1) == (after.state, len(after.waits))


async def test_a_probe_that_says_nothing_makes_room_for_the_next(guard: Guard) -> None:
    """A probe whose job was cancelled, or had bad data, neither closes nor opens; another may go at once."""
    await opened(guard, EAGER)
    first = await admitted(guard, EAGER)
    verdict = await guard.record("shout", EAGER, [], first.probe)
    second = await admitted(guard, EAGER)

    assert (None, True) == (verdict.turned_ms, second.probe not in ("", first.probe))


async def test_stragglers_do_not_decide(guard: Guard) -> None:
    """Executions that began before the breaker opened neither close it nor take the probe's place."""
    await opened(guard, EAGER)
    await admitted(guard, EAGER)
    late = await guard.record("shout", EAGER, [True, True])

    assert (BreakerState.HALF_OPEN, None) == (late.state, late.turned_ms)
    assert [] == list((await guard.admit("shout", EAGER, 1)).waits)


async def test_a_rate_limit_lets_a_burst_through_and_no_more(guard: Guard) -> None:
    """After a pause as many as the burst may go at once; what is beyond waits or is to ask again."""
    slow = Policy(name="slow", rate=RateLimit(per_s=0.01, burst=3))
    found = await guard.admit("shout", slow, 5)

    assert [0.0] * 3 == [wait for wait in found.waits if not wait]
    assert all(wait > 90 for wait in list(found.waits)[3:])
    assert (await guard.status("shout", slow)).permit_s > 90


async def test_status_uses_nothing_up(guard: Guard) -> None:
    """Whoever asks why nothing happens does not change what happens."""
    policy = PATIENT.model_copy(update={"rate": RateLimit(per_s=0.01)})
    before = [await guard.status("shout", policy) for _ in range(5)]
    await guard.record("shout", policy, [False])
    failing = await guard.status("shout", policy)
    await guard.record("shout", policy, [False, False])
    after = await guard.status("shout", policy)

    assert {(BreakerState.CLOSED, 0, 0.0, 0.0)} == {(s.state, s.failures, s.probe_s, s.permit_s) for s in before}
    assert (BreakerState.CLOSED, 1) == (failing.state, failing.failures)
    assert (BreakerState.OPEN, True) == (after.state, 500 < after.probe_s <= 600)


async def test_a_breaker_and_a_rate_limit_hold_together(guard: Guard) -> None:
    """An open breaker uses no permits up, and its probe is subject to the rate limit too."""
    policy = EAGER.model_copy(update={"rate": RateLimit(per_s=0.01, burst=2)})
    await guard.record("shout", policy, [False] * 3)
    probe = await admitted(guard, policy, 2)
    await guard.record("shout", policy, [True], probe.probe)

    found = await guard.admit("shout", policy, 2)

    assert 1 == [*found.waits].count(0.0)


@given(st.lists(st.lists(st.booleans(), min_size=1, max_size=6), max_size=8))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.integration
def test_both_guards_count_alike(redis_url: str, batches: list[list[bool]]) -> None:
    """Whatever the results are and however they are batched, both guards are in the same state after each."""

    async def states(guard: Guard) -> list[BreakerState]:
        return [(await guard.record("shout", PATIENT, results)).state for results in batches]

    async def both() -> tuple[list[BreakerState], list[BreakerState]]:
        async with replicas_at(redis_url, 1) as (shared,):
            return await states(LocalGuard()), await states(shared)

    local, shared = asyncio.run(both())
    assert local == shared


@pytest.mark.integration
async def test_three_replicas_open_one_breaker_together(replicas: list[Guard]) -> None:
    """Failures of different replicas are in a row, one replica learns that they opened it, and all obey."""
    verdicts = [await guard.record("shout", PATIENT, [False]) for guard in replicas]
    found = [await guard.admit("shout", PATIENT, 4) for guard in replicas]

    assert [False, False, True] == [verdict.turned_ms is not None for verdict in verdicts]
    assert [(BreakerState.OPEN, 0)] * 3 == [(each.state, len(each.waits)) for each in found]


@pytest.mark.integration
async def test_three_replicas_have_one_probe(replicas: list[Guard]) -> None:
    """However many ask at once, a half-open breaker lets exactly one execution through."""
    await replicas[0].record("shout", EAGER, [False] * 3)
    probe = await admitted(replicas[0], EAGER, 8)
    found = await asyncio.gather(*(guard.admit("shout", EAGER, 8) for guard in replicas for _ in range(10)))
    verdicts = await asyncio.gather(*(guard.record("shout", EAGER, [True], probe.probe) for guard in replicas))

    assert [1, *[0] * 30] == [len(probe.waits), *(len(each.waits) for each in found)]
    assert 1 == len([verdict for verdict in verdicts if verdict.turned_ms is not None])


@pytest.mark.integration
async def test_a_dead_prober_blocks_nobody(replicas: list[Guard], monkeypatch: pytest.MonkeyPatch) -> None:
    """A replica that dies with the probe in hand is waited for no longer than the probe may take."""
    monkeypatch.setattr(shared_guard, "PROBE_MARGIN_S", 0.0)
    brief = EAGER.model_copy(update={"timeout_s": 0.05})
    dead, alive, _ = replicas
    await dead.record("shout", brief, [False] * 3)
    lost = await admitted(dead, brief)

    assert (await admitted(alive, brief)).probe not in ("", lost.probe)


@pytest.mark.integration
def test_a_rate_limit_holds_across_processes(redis_url: str) -> None:
    """Three processes that execute as fast as they may never exceed the rate together."""
    per_s, burst, each = 50, 5, 30
    script = Path(__file__).parent / "rated_process.py"
    arguments = [redis_url, f"medkg-{uuid4().hex}:", str(per_s), str(burst), str(each)]
    processes = [subprocess.Popen([sys.executable, str(script), *arguments], stdout=subprocess.PIPE) for _ in range(3)]
    told = [json.loads(process.communicate()[0]) for process in processes]
    began = min(one["began"] for one in told)
    moments = sorted(moment - began for one in told for moment in one["executed"])

    assert 3 * each == len(moments)
    earliest = [max(0, number + 1 - burst) / per_s - 0.002 for number in range(len(moments))]
    assert [] == [pair for pair in zip(earliest, moments, strict=True) if pair[1] < pair[0]]


async def test_without_redis_each_replica_guards_itself() -> None:
    """While Redis does not answer, work goes on under this process's own breaker."""
    async with Redis.from_url("redis://127.0.0.1:1/0") as redis:
        guard = SharedGuard(redis)
        assert 2 == len((await guard.admit("shout", PATIENT, 2)).waits)
        await opened(guard, PATIENT)

        assert 0 == len((await guard.admit("shout", PATIENT, 2)).waits)
        assert BreakerState.OPEN is (await guard.status("shout", PATIENT)).state
