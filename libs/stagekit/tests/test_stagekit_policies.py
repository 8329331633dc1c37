"""What happens at a stage's boundary: breakers, rate limits, numbers at once, waits that are the router's."""

# ruff: noqa: D102 - the methods are those that every stage has

import asyncio
from collections.abc import Sequence

import pytest
from medkg_bus.shutdown import IN_PLACE_S
from medkg_contracts.errors import (
    GpuOutOfMemory,
    InvalidDocument,
    MedkgError,
    ResourceUnavailable,
    SourceUnavailable,
)
from medkg_contracts.policy import Breaker, Policy, RateLimit
from medkg_contracts.requests import JobRequest
from medkg_contracts.stages import StageContext
from medkg_stagekit.guard import Admitted, BreakerState, Verdict
from medkg_stagekit.local_guard import LocalGuard

from .fakes import Act, Choir, Hasty, Shout, outcomes_of, shouted, work_of

#: Opens at the second failure, and lets a probe through as soon as it is asked.
BREAKER = Breaker(failures=2, reset_s=0.001)


def works_of(count: int, policy: Policy, **changes) -> list:
    return [work_of(str(number), f"j-{number}", policy=policy, **changes) for number in range(count)]


def failing(error: Exception, times: int) -> Act:
    """Raises the error the first so many times."""
    left = [times]

    def act(ctx: StageContext, word: str) -> str | Exception:
        left[0] -= 1
        return error if left[0] >= 0 else shouted(ctx, word)

    return act


def codes(outcomes) -> list[str]:
    return [outcome.error.code if outcome.error else "completed" for outcome in outcomes]


class Recorder(LocalGuard):
    """Notes how often it is asked, and what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[int] = []
        self.told: list[list[bool]] = []

    async def admit(self, service: str, policy: Policy, count: int) -> Admitted:
        self.asked.append(count)
        return await super().admit(service, policy, count)

    async def record(self, service: str, policy: Policy, results: Sequence[bool], probe: str = "") -> Verdict:
        self.told.append(list(results))
        return await super().record(service, policy, results, probe)


async def test_an_open_breaker_keeps_work_back_instead_of_burning_it(store, watcher):
    """Two failures open it; the others wait without an attempt until a probe finds that all is well again."""
    policy = Policy(name="gpu-bound", concurrency=1, breaker=BREAKER)
    stage = Shout(failing(GpuOutOfMemory("full"), 2))

    outcomes = await outcomes_of(stage, works_of(6, policy), store, watcher, shutdown=Hasty())

    assert (["gpu_out_of_memory"] * 2 + ["completed"] * 4, 6) == (codes(outcomes), len(stage.calls))
    assert [
        ("breaker open", "gpu-bound", "gpu_out_of_memory"),
        ("breaker closed", "gpu-bound", None),
    ] == [told for told in watcher.told if str(told[0]).startswith("breaker")]


async def test_a_job_waits_for_the_breaker_between_its_tries(store, watcher):
    """A job's own failures may open the breaker; its next try is the probe, and none of its attempts is lost."""
    policy = Policy(attempts=4, breaker=BREAKER)
    stage = Shout(failing(ResourceUnavailable("away"), 3))

    (outcome,) = await outcomes_of(stage, works_of(1, policy), store, watcher, shutdown=Hasty())

    assert (None, 3, [1, 2, 3, 4]) == (outcome.error, outcome.retries, [ctx.attempt for ctx in stage.calls])


@pytest.mark.parametrize("stage", [Shout, Choir])
async def test_a_half_open_breaker_is_given_one_job(stage, store, watcher):
    """While nobody knows whether it works again, one job is tried, and the others only when it has succeeded."""
    guard = LocalGuard()
    policy = Policy(breaker=BREAKER)
    await guard.record("shout", policy, [False, False])
    inside: list[int] = []
    states: list[BreakerState] = []

    async def status() -> None:
        states.append((await guard.status("shout", policy)).state)

    class Watched(stage):
        async def execute(self, ctx: StageContext, word: str) -> str:
            inside.append(1)
            await status()
            return await super().execute(ctx, word)

        async def execute_batch(self, ctxs: Sequence[StageContext], word: Sequence[str]) -> Sequence[str | Exception]:
            inside.append(len(ctxs))
            await status()
            return await super().execute_batch(ctxs, word)

    if stage is Shout:
        del Watched.execute_batch
    outcomes = await outcomes_of(Watched(), works_of(5, policy), store, watcher, guard=guard, shutdown=Hasty())

    assert ["completed"] * 5 == codes(outcomes)
    assert [1] == [count for count, state in zip(inside, states, strict=True) if state is BreakerState.HALF_OPEN]
    assert 5 == sum(inside)


@pytest.mark.parametrize("error", [InvalidDocument("no"), KeyError("title")])
async def test_bad_data_and_bugs_open_no_breaker(error, store, watcher):
    """What is wrong with a job, or with the stage, says nothing of what the stage uses."""
    stage = Shout(failing(error, 99))
    policy = Policy(breaker=BREAKER)

    outcomes = await outcomes_of(stage, works_of(5, policy), store, watcher)

    assert 5 == len(stage.calls) == len([outcome for outcome in outcomes if outcome.error])


async def test_a_timeout_counts_as_a_failure(store, watcher):
    """What the stage uses may fail by saying nothing."""

    class Deaf(Shout):
        async def execute(self, ctx: StageContext, word: str) -> str:  # noqa: ARG002
            await asyncio.Event().wait()
            return ""

    policy = Policy(timeout_s=0.01, breaker=Breaker(failures=1, reset_s=600))
    guard = LocalGuard()

    await outcomes_of(Deaf(), works_of(1, policy), store, watcher, guard=guard)

    assert BreakerState.OPEN is (await guard.status("shout", policy)).state


@pytest.mark.parametrize("stage", [Shout, Choir])
async def test_a_batch_costs_one_question_and_one_answer(stage, store, watcher):
    """Under a breaker, a batch that goes well asks its guard once and tells it once."""
    guard = Recorder()

    await outcomes_of(stage(), works_of(30, Policy(breaker=BREAKER)), store, watcher, guard=guard)

    assert (1, [[True] * 30]) == (len(guard.asked), guard.told)


@pytest.mark.parametrize("stage", [Shout, Choir])
async def test_a_policy_without_limits_asks_nobody(stage, store, watcher):
    """The guard costs nothing where there is nothing to guard."""
    guard = Recorder()

    await outcomes_of(stage(), works_of(5, Policy()), store, watcher, guard=guard)

    assert ([], []) == (guard.asked, guard.told)


async def test_a_rate_limit_cuts_batches_to_its_burst(store, watcher):
    """A stage that takes batches never gets more jobs at once than the rate limit lets through at once."""
    stage = Choir()
    policy = Policy(rate=RateLimit(per_s=1000, burst=2))

    outcomes = await outcomes_of(stage, works_of(5, policy), store, watcher)

    assert (["completed"] * 5, 5) == (codes(outcomes), sum(map(len, stage.batches)))
    assert {1, 2} >= set(map(len, stage.batches))


async def test_a_rate_limit_lets_jobs_wait_for_their_turns(store, watcher):
    """Each job of a batch waits for its own permit before it begins."""

    class Sparse(LocalGuard):
        async def admit(self, service: str, policy: Policy, count: int) -> Admitted:  # noqa: ARG002
            return Admitted([number * 3.0 for number in range(count)])

    shutdown = Hasty()
    policy = Policy(rate=RateLimit(per_s=1 / 3))

    await outcomes_of(Shout(), works_of(4, policy), store, watcher, guard=Sparse(), shutdown=shutdown)

    assert [0.0, 3.0, 6.0, 9.0] == sorted(shutdown.waits)


class Crowd(Shout):
    def __init__(self) -> None:
        super().__init__()
        self.inside = self.most = 0

    async def execute(self, ctx: StageContext, word: str) -> str:
        self.inside += 1
        self.most = max(self.most, self.inside)
        for _ in range(5):
            await asyncio.sleep(0)
        self.inside -= 1
        return await super().execute(ctx, word)


@pytest.mark.parametrize(("concurrency", "most"), [(3, 3), (12, 12), (None, 8)])
async def test_a_policy_says_how_many_at_once(concurrency, most, store, watcher):
    """A policy may allow fewer executions at once than the service does, or more."""
    stage = Crowd()

    await outcomes_of(stage, works_of(20, Policy(concurrency=concurrency)), store, watcher)

    assert (20, most) == (len(stage.calls), stage.most)


async def test_a_policy_says_how_large_a_batch_is(store, watcher):
    """For a stage that takes batches, so many at once is the size of a batch; others' jobs do not matter."""
    stage = Choir()
    narrow, wide = works_of(5, Policy(name="narrow", concurrency=2)), works_of(3, Policy(name="wide"))

    await outcomes_of(stage, [*narrow, *wide], store, watcher)

    assert [1, 2, 2, 3] == sorted(map(len, stage.batches))


@pytest.mark.parametrize("stage", [Shout, Choir])
async def test_a_long_wait_is_not_waited_for_here(stage, store, watcher):
    """A job whose source asks for a long wait is put off, with its error, wait and attempts; its mates are not."""

    def act(ctx: StageContext, word: str) -> str | Exception:
        return SourceUnavailable("busy", retry_after=120) if word == "0" else shouted(ctx, word)

    late, fine = await outcomes_of(stage(act), works_of(2, Policy(attempts=3)), store, watcher)

    assert ("source_unavailable", 120.0, 1) == (late.deferral.error.code, late.deferral.wait_s, late.deferral.tried)
    assert ("completed", None) == (codes([fine])[0], fine.deferral)
    assert [] == [told for told in watcher.told if told[0] == "retrying"]


@pytest.mark.parametrize(("initial_s", "waits", "put_off"), [(IN_PLACE_S, [IN_PLACE_S], False), (11.0, [], True)])
async def test_a_policys_own_wait_may_be_too_long_too(initial_s, waits, put_off, store, watcher):
    """Waits of up to ten seconds are waited for in place, longer ones are the router's."""
    policy = Policy(attempts=2, backoff="linear", initial_s=initial_s, max_s=60)
    stage = Shout(failing(ResourceUnavailable("away"), 1))
    shutdown = Hasty()

    (outcome,) = await outcomes_of(stage, works_of(1, policy), store, watcher, shutdown=shutdown)

    assert (waits, put_off) == (shutdown.waits, outcome.deferral is not None)


async def test_attempts_are_counted_over_epochs(store, watcher):
    """Work that was put off goes on with the attempts that it has left, and is told their numbers."""
    policy = Policy(attempts=5)
    stage = Shout(failing(ResourceUnavailable("away"), 99))

    (outcome,) = await outcomes_of(stage, works_of(1, policy, tried=3), store, watcher)

    assert ([4, 5], 1, None) == ([ctx.attempt for ctx in stage.calls], outcome.retries, outcome.deferral)
    assert ("resource_unavailable", 5) == (outcome.error.code, outcome.attempt)


async def test_the_last_attempt_is_not_put_off(store, watcher):
    """A job without another attempt fails, however long its source wants it to wait."""
    stage = Shout(failing(SourceUnavailable("busy", retry_after=120), 99))

    (outcome,) = await outcomes_of(stage, works_of(1, Policy(attempts=3), tried=2), store, watcher)

    assert ("source_unavailable", None) == (outcome.error.code, outcome.deferral)


async def test_waits_grow_over_epochs(store, watcher):
    """The policy's waits go on growing where the earlier epoch stopped."""
    policy = Policy(attempts=9, backoff="linear", initial_s=2, max_s=60)
    shutdown = Hasty()
    stage = Shout(failing(ResourceUnavailable("away"), 2))

    await outcomes_of(stage, works_of(1, policy, tried=2), store, watcher, shutdown=shutdown)

    assert [6.0, 8.0] == shutdown.waits


async def test_what_can_be_recalled_uses_no_permit(store, watcher):
    """A job whose outputs are known does not wait for its stage's limits."""
    guard = Recorder()
    policy = Policy(rate=RateLimit(per_s=0.001))
    skipping = JobRequest(source="ctgov", id="1", skip_completed=True)
    works = [work_of(policy=policy), work_of(policy=policy, request=skipping)]

    outcomes = [(await outcomes_of(Shout(), [work], store, watcher, guard=guard))[0] for work in works]

    assert ([False, True], [1]) == ([outcome.skipped for outcome in outcomes], guard.asked)


async def test_a_guards_failure_is_nobodys_result(store, watcher):
    """A guard that fails ends the run; no job is blamed for it, and nobody waits for ever."""

    class Broken(LocalGuard):
        async def admit(self, service: str, policy: Policy, count: int) -> Admitted:  # noqa: ARG002
            raise ZeroDivisionError

    with pytest.raises((ZeroDivisionError, asyncio.CancelledError)):
        await outcomes_of(Shout(), works_of(3, Policy(rate=RateLimit(per_s=1))), store, watcher, guard=Broken())
    assert [] == [told for told in watcher.told if isinstance(told[0], MedkgError)]
