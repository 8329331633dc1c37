"""How a stage is run for a batch of jobs: inputs, tries, errors, outputs."""

# ruff: noqa: D102 - the methods are those that every stage has

import asyncio
import gc
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest
from medkg_contracts.errors import (
    ArtifactStoreUnavailable,
    IndexUnavailable,
    InvalidDocument,
    KafkaUnavailable,
    MedkgError,
    ResourceUnavailable,
    SourceUnavailable,
)
from medkg_contracts.ir import RawPayload
from medkg_contracts.policy import Policy
from medkg_contracts.requests import JobRequest
from medkg_contracts.stages import StageContext
from medkg_stagekit.calling import EXPANSION_PAGE
from medkg_stagekit.execution import Executor
from medkg_stagekit.waits import LONGEST_ASKED_S, wait_s

from .fakes import Choir, FlakyStore, Shout, Unfold, bound, inline, outcomes_of, shouted, work_of

#: Three tries, waits of 1 and 2 milliseconds.
THRICE = Policy(attempts=3, backoff="linear", initial_s=0.001, max_s=1)


def failing(error: Exception, times: int = 99):
    """Raises the error for the word ``bad``, the first so many times."""
    left = [times]

    def act(ctx: StageContext, word: str) -> str | Exception:
        if word == "bad" and left[0]:
            left[0] -= 1
            return error
        return shouted(ctx, word)

    return act


def codes(outcomes) -> list[str]:
    return [outcome.error.code if outcome.error else outcome.artifacts["shout"].value for outcome in outcomes]


@pytest.mark.parametrize("stage", [Shout(), Choir()])
async def test_the_outputs_are_stored_by_name(stage, store, watcher):
    """Each job's result is an artifact with the output's name."""
    outcomes = await outcomes_of(stage, [work_of("one"), work_of("two", "j-2")], store, watcher)

    assert ["ONE", "TWO"] == codes(outcomes)
    assert [("started", "j-1"), ("started", "j-2")] == sorted(watcher.told)


async def test_a_result_above_the_inline_limit_is_a_claim_check(store, watcher):
    """A large result stands in the store, and its reference says where."""
    (outcome,) = await outcomes_of(Shout(lambda _, word: word * 600), [work_of("X")], store, watcher)

    ref = outcome.artifacts["shout"]

    assert (f"artifact://public/{ref.sha256}", None) == (ref.uri, ref.value)
    assert b'"' + b"X" * 600 + b'"' == await store.get("public", ref)


@pytest.mark.parametrize("stage", [Shout, Choir])
async def test_a_job_that_fails_for_good_is_tried_once(stage, store, watcher):
    """An error that a retry cannot help ends the job at once, whatever the policy allows."""
    works = [work_of("bad", policy=THRICE), work_of("good", "j-2", policy=THRICE)]

    outcomes = await outcomes_of(stage(failing(InvalidDocument("no"))), works, store, watcher)

    assert ["document_invalid", "GOOD"] == codes(outcomes)
    assert [0, 0] == [outcome.retries for outcome in outcomes]


@pytest.mark.parametrize("stage", [Shout, Choir])
async def test_a_job_that_may_succeed_is_tried_again(stage, store, watcher):
    """An error that a retry can help is tried again within the policy, and the others are not held up by it."""
    works = [work_of("bad", policy=THRICE), work_of("good", "j-2", policy=THRICE)]

    outcomes = await outcomes_of(stage(failing(IndexUnavailable("away"), times=2)), works, store, watcher)

    assert (["BAD", "GOOD"], [2, 0]) == (codes(outcomes), [outcome.retries for outcome in outcomes])
    assert [
        ("retrying", "j-1", 1, "index_unavailable", 0.001),
        ("retrying", "j-1", 2, "index_unavailable", 0.002),
    ] == [told for told in watcher.told if told[0] == "retrying"]


async def test_attempts_are_counted_to_the_policys_last(store, watcher):
    """A job that never succeeds ends with its last error after the policy's attempts."""
    stage = Shout(failing(IndexUnavailable("away")))

    (outcome,) = await outcomes_of(stage, [work_of("bad", policy=THRICE)], store, watcher)

    assert ("index_unavailable", 2) == (outcome.error.code, outcome.retries)
    assert [1, 2, 3] == [ctx.attempt for ctx in stage.calls]


async def test_a_batch_retries_only_its_failed_jobs(store, watcher):
    """A second try is given the jobs that failed, not those that have their results."""
    stage = Choir(failing(IndexUnavailable("away"), times=1))
    works = [work_of(word, f"j-{word}", policy=THRICE) for word in ("one", "bad", "two")]

    assert ["ONE", "BAD", "TWO"] == codes(await outcomes_of(stage, works, store, watcher))
    assert [["one", "bad", "two"], ["bad"]] == stage.batches


async def test_each_policy_of_a_batch_is_kept(store, watcher):
    """Jobs of two topologies in one batch are tried as often as their own policies say."""
    works = [
        work_of("bad", "j-1", policy=THRICE),
        work_of("bad", "j-2", policy=THRICE.model_copy(update={"attempts": 2})),
        work_of("bad", "j-3", policy=THRICE.model_copy(update={"attempts": 1})),
    ]

    outcomes = await outcomes_of(Choir(failing(IndexUnavailable("away"))), works, store, watcher)

    assert [2, 1, 0] == [outcome.retries for outcome in outcomes]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (Policy(attempts=9), [0, 0, 0, 0]),
        (Policy(attempts=9, backoff="linear", initial_s=2, max_s=5), [2, 4, 5, 5]),
        (Policy(attempts=9, backoff="exponential", initial_s=1, max_s=6), [1, 2, 4, 6]),
    ],
)
def test_waits_grow_as_the_policy_says(policy, expected):
    """The waits between tries are the policy's."""
    assert expected == [wait_s(policy, attempt, None) for attempt in (1, 2, 3, 4)]


def test_a_wait_that_a_source_asks_for_is_kept():
    """The next try comes no sooner than the failed job's source asked for, within bounds."""
    policy = Policy(attempts=9, backoff="linear", initial_s=2, max_s=5)

    def after(seconds: float | None) -> float:
        return wait_s(policy, 1, SourceUnavailable("busy", retry_after=seconds))

    assert [2, 2, 7.5, LONGEST_ASKED_S] == [after(seconds) for seconds in (None, 1, 7.5, 1e9)]
    assert 2 == wait_s(policy, 1, IndexUnavailable("away"))


async def test_what_is_told_of_a_wait_is_what_the_source_asked_for(store, watcher):
    """``stage.retrying`` names the wait that really follows."""
    error = SourceUnavailable("busy", retry_after=0.03)

    (outcome,) = await outcomes_of(Shout(failing(error, times=1)), [work_of("bad", policy=THRICE)], store, watcher)

    assert (None, 1) == (outcome.error, outcome.retries)
    assert ("retrying", "j-1", 1, "source_unavailable", 0.03) in watcher.told


@pytest.mark.parametrize("stage", [Shout, Choir])
async def test_a_foreign_exception_is_the_stages_bug(stage, store, watcher):
    """What is none of medkg's errors is a bug of the stage, named with its type; it is not tried again."""
    (outcome,) = await outcomes_of(stage(failing(KeyError("title"))), [work_of("bad", policy=THRICE)], store, watcher)

    assert ("bug", 0) == (outcome.error.code, outcome.retries)
    assert "shout: KeyError: 'title'" == str(outcome.error)


class Deaf(Shout):
    """Never ends for the word ``bad``."""

    async def execute(self, ctx: StageContext, word: str) -> str:
        if word == "bad":
            await asyncio.Event().wait()
        return await super().execute(ctx, word)


async def test_a_timeout_is_named_and_tried_again(store, watcher):
    """A stage that passes its policy's timeout is interrupted; its mates are not."""
    policy = THRICE.model_copy(update={"timeout_s": 0.01, "attempts": 2})
    works = [work_of("bad", policy=policy), work_of("good", "j-2", policy=policy)]

    outcomes = await outcomes_of(Deaf(), works, store, watcher)

    assert ["timeout", "GOOD"] == codes(outcomes)
    assert ("shout took longer than 0.01 s", 1) == (str(outcomes[0].error), outcomes[0].retries)


async def test_a_stages_own_timeout_is_not_the_policys(store, watcher):
    """A TimeoutError that a stage raises long before its time is over says nothing of the policy."""
    (outcome,) = await outcomes_of(Shout(failing(TimeoutError("its own"))), [work_of("bad")], store, watcher)

    assert ("bug", "shout: TimeoutError: its own") == (outcome.error.code, str(outcome.error))


class Quitter(Shout):
    async def execute(self, ctx: StageContext, word: str) -> str:  # noqa: ARG002
        raise asyncio.CancelledError


async def test_a_stage_that_cancels_itself_fails_its_job_alone(store, watcher):
    """A cancellation from within a stage is its bug; it does not end the service's own task."""
    (outcome,) = await outcomes_of(Quitter(), [work_of()], store, watcher)

    assert "bug" == outcome.error.code


async def test_cancelling_the_run_cancels_the_stage(store, watcher):
    """A service that is told to stop at once leaves no stage running behind it."""
    task = asyncio.ensure_future(outcomes_of(Deaf(), [work_of("bad")], store, watcher))
    await asyncio.wait([task], timeout=0.01)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


class Chorus(Choir):
    """Raises for a whole batch when one of its words is ``bad``."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    async def execute_batch(self, ctxs: Sequence[StageContext], word: Sequence[str]) -> Sequence[str | Exception]:
        results = await super().execute_batch(ctxs, word)
        if "bad" in word:
            raise self._error
        return results


@pytest.mark.parametrize("error", [InvalidDocument("no"), KeyError("title")])
async def test_a_batch_that_fails_as_a_whole_is_done_one_by_one(error, store, watcher):
    """A stage that raises for a whole batch because of one job fails that job alone."""
    works = [work_of(word, f"j-{word}") for word in ("one", "bad", "two")]

    outcomes = await outcomes_of(Chorus(error), works, store, watcher)

    assert ["ONE", "document_invalid" if isinstance(error, MedkgError) else "bug", "TWO"] == codes(outcomes)


async def test_a_batch_whose_server_is_away_is_tried_together(store, watcher):
    """An error that a retry can help is no reason to take a batch apart."""
    stage = Chorus(IndexUnavailable("away"))
    works = [work_of(word, f"j-{word}", policy=THRICE) for word in ("one", "bad")]

    outcomes = await outcomes_of(stage, works, store, watcher)

    assert ["index_unavailable"] * 2 == codes(outcomes)
    assert [["one", "bad"]] * 3 == stage.batches


class Miscounting(Choir):
    async def execute_batch(self, ctxs: Sequence[StageContext], word: Sequence[str]) -> Sequence[str | Exception]:
        return (await super().execute_batch(ctxs, word))[1:]


async def test_a_wrong_number_of_results_is_a_bug(store, watcher):
    """Results that do not match their jobs are given to none of them."""
    outcomes = await outcomes_of(Miscounting(), [work_of("one"), work_of("two", "j-2")], store, watcher)

    assert ["bug", "bug"] == codes(outcomes)
    assert "execute_batch returned 0 results for 1 jobs" == str(outcomes[0].error)


class Liar(Shout):
    async def execute(self, ctx: StageContext, word: str) -> str:  # noqa: ARG002
        return {"not": "text"}


class Pair(Shout):
    outputs: ClassVar[tuple[str, ...]] = ("left", "right")

    async def execute(self, ctx: StageContext, word: str) -> tuple[str, str]:  # noqa: ARG002
        return ("only one",)


@pytest.mark.parametrize("stage", [Liar(), Pair()])
async def test_a_result_of_another_type_is_a_bug(stage, store, watcher):
    """What a stage returns has to be what its annotation says."""
    (outcome,) = await outcomes_of(stage, [work_of()], store, watcher)

    assert ("bug", {}) == (outcome.error.code, outcome.artifacts)


@pytest.mark.parametrize(
    ("inputs", "code", "message"),
    [
        ({}, "configuration", "shout needs the artifact 'word', which the topology does not give it"),
        ({"word": inline("word", "x").model_copy(update={"value": 7})}, "validation", "artifact 'word': "),
        (
            {"word": inline("word", "x").model_copy(update={"uri": "artifact://other/" + "0" * 64})},
            "artifact_missing",
            "is no artifact of tenant 'public'",
        ),
    ],
)
async def test_an_input_that_cannot_be_had_fails_the_job_by_name(inputs, code, message, store, watcher):
    """A missing, damaged or foreign input fails its job, and the stage is not called."""
    stage = Shout()

    (outcome,) = await outcomes_of(stage, [work_of(inputs=inputs)], store, watcher)

    assert (code, []) == (outcome.error.code, stage.calls)
    assert message in str(outcome.error)


async def test_an_option_that_the_stage_does_not_have_fails_the_job_by_name(store, watcher):
    """A stage names the options that topologies may give it; with another one the job fails, and is not tried again."""

    class Tunable(Shout):
        options: ClassVar[tuple[str, ...]] = ("loudness",)

    works = [
        replace(work_of(job_id=f"j-{name}"), ctx=replace(work_of(job_id=f"j-{name}").ctx, options={name: 1}))
        for name in ("loudness", "pitch")
    ]
    done, refused = await outcomes_of(Tunable(), works, store, watcher)
    (without,) = await outcomes_of(Shout(), works[:1], store, watcher)

    assert ["HELLO", "configuration", "configuration"] == codes([done, refused, without])
    assert "topology 'p': the stage 'shout' has no option 'pitch'; it has loudness" == str(refused.error)
    assert "topology 'p': the stage 'shout' has no option 'loudness'; it has none" == str(without.error)


async def test_a_tenant_that_is_none_fails_the_job(store, watcher):
    """A tenant whose name could leave its folder has nothing in the store."""
    work = work_of()
    work = replace(work, ctx=replace(work.ctx, tenant_id="../system"))

    (outcome,) = await outcomes_of(Shout(), [work], store, watcher)

    assert "artifact_missing" == outcome.error.code


@pytest.mark.parametrize("stage", [Shout, Choir])
@pytest.mark.parametrize(("reads", "writes"), [(1, 0), (0, 1)], ids=["read", "written"])
async def test_a_store_that_is_away_uses_up_no_attempt(stage, reads, writes, tmp_path, watcher):
    """A store that cannot be read or written is no failure of the job: the batch is given back, to be run again."""
    store = FlakyStore(tmp_path, reads=reads, writes=writes)

    with pytest.raises(ArtifactStoreUnavailable):
        await outcomes_of(stage(), [work_of()], store, watcher)
    (outcome,) = await outcomes_of(stage(), [work_of()], store, watcher)

    assert (["HELLO"], 0) == (codes([outcome]), outcome.retries)


async def test_a_batch_that_is_given_back_leaves_nothing_running(tmp_path, watcher):
    """When the store fails for several jobs, no task of the batch is left, nor an error that nobody has read."""
    store = FlakyStore(tmp_path, writes=3)
    unread = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unread.append(context["message"]))
    before = asyncio.all_tasks()

    with pytest.raises(ArtifactStoreUnavailable):
        await outcomes_of(Shout(), [work_of(word) for word in ("a", "b", "c")], store, watcher)
    left = asyncio.all_tasks() - before
    gc.collect()

    assert (set(), []) == (left, unread)


async def test_an_identical_run_is_recalled_when_asked_for(store, watcher):
    """A pure stage is not run again for a job that asks to skip what is done; the artifacts are the earlier run's."""
    stage = Shout()
    skipping = JobRequest(source="ctgov", id="1", skip_completed=True)
    works = [work_of(), work_of("hello", "j-2", request=skipping), work_of("other", "j-3", request=skipping)]

    outcomes = [(await outcomes_of(stage, [work], store, watcher))[0] for work in works]

    assert [False, True, False] == [outcome.skipped for outcome in outcomes]
    assert outcomes[0].artifacts == outcomes[1].artifacts
    assert ["j-1", "j-3"] == [ctx.job_id for ctx in stage.calls]


async def test_a_run_is_recalled_whatever_its_priority(store, watcher):
    """Which job goes first changes nothing of what a stage makes."""
    urgent = JobRequest(source="ctgov", id="1", skip_completed=True, priority="high")
    works = [work_of(), work_of("hello", "j-2", request=urgent)]

    outcomes = [(await outcomes_of(Shout(), [work], store, watcher))[0] for work in works]

    assert [False, True] == [outcome.skipped for outcome in outcomes]


async def test_a_run_is_recalled_for_its_own_tenant_only(store, watcher):
    """What one tenant has had made is never another's."""
    skipping = JobRequest(source="ctgov", id="1", skip_completed=True)
    works = [work_of(request=skipping), work_of(request=skipping)]
    works[1] = replace(works[1], ctx=replace(works[1].ctx, tenant_id="other"))

    outcomes = [(await outcomes_of(Shout(), [work], store, watcher))[0] for work in works]

    assert [False, False] == [outcome.skipped for outcome in outcomes]


async def test_a_failed_run_is_not_remembered(store, watcher):
    """A job that asks to skip what is done runs a stage that failed before."""
    skipping = JobRequest(source="ctgov", id="1", skip_completed=True)
    stage = Shout(failing(InvalidDocument("no"), times=1))

    outcomes = [(await outcomes_of(stage, [work_of("bad", request=skipping)], store, watcher))[0] for _ in range(2)]

    assert ["document_invalid", "BAD"] == codes(outcomes)


async def test_a_claim_check_for_the_request_is_redeemed(store, watcher):
    """A request that was too long to travel is read from the store, and its metadata reaches the stage."""
    request = JobRequest(source="ctgov", id="1", metadata={"project": "x"})
    ref = await store.put("public", "request", request.model_dump_json().encode(), inline=False)
    stage = Shout()

    (outcome,) = await outcomes_of(stage, [work_of(request=ref)], store, watcher)

    assert (None, {"project": "x"}) == (outcome.error, stage.calls[0].metadata)


async def test_the_deadline_is_the_policys(store, watcher):
    """A stage is told when its time is over."""
    stage = Shout()
    before = datetime.now(UTC)
    await outcomes_of(stage, [work_of(policy=Policy(timeout_s=100))], store, watcher)

    told = stage.calls[0].deadline - timedelta(seconds=100)

    assert before <= told <= datetime.now(UTC)


@pytest.mark.parametrize(("count", "pages"), [(0, [0]), (3, [3]), (EXPANSION_PAGE + 1, [EXPANSION_PAGE, 1])])
async def test_items_are_handed_over_by_pages(count, pages, store, watcher):
    """An expanding stage's items go on while it still works; its receipt says how many there were."""
    (outcome,) = await outcomes_of(Unfold(count), [work_of(inputs={})], store, watcher)

    assert pages == [told[2] for told in watcher.told if told[0] == "expanded"]
    assert {"batch_id": "j-1", "jobs": count} == outcome.artifacts["expansion"].value


async def test_an_expansion_that_breaks_off_has_handed_over_its_pages(store, watcher):
    """Items before an error stay given out: their ids make the repeat harmless."""
    stage = Unfold(EXPANSION_PAGE, ResourceUnavailable("away"))

    (outcome,) = await outcomes_of(stage, [work_of(inputs={})], store, watcher)

    assert "resource_unavailable" == outcome.error.code
    assert ("expanded", "j-1", EXPANSION_PAGE) in watcher.told


async def test_items_that_cannot_be_handed_over_are_not_the_jobs_failure(store, watcher):
    """While Kafka is away the batch as a whole waits, rather than this job failing."""
    watcher.fail = KafkaUnavailable("away")

    with pytest.raises(KafkaUnavailable, match="away"):
        await outcomes_of(Unfold(1), [work_of(inputs={}, policy=THRICE)], store, watcher)


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


async def test_no_more_jobs_at_once_than_the_limit(store, watcher):
    """A stage with ``execute`` works on several jobs at once, and never on more than it may."""
    stage = Crowd()
    works = [work_of(job_id=f"j-{number}") for number in range(9)]

    outcomes = [o async for found in Executor(bound(stage), store, watcher, concurrency=4).run(works) for o in found]

    assert (9, 4) == (len(outcomes), stage.most)


class Fetching:
    """An ingest stage whose source writes ids in upper case."""

    version: ClassVar[str] = "1"
    outputs: ClassVar[tuple[str, ...]] = ("payloads",)

    async def execute(self, _: StageContext, request: JobRequest) -> list[RawPayload]:
        """The item, as its source calls it."""
        return [
            RawPayload(
                source=request.source, source_id=(request.id or "").upper(), uri="x:", media_type="text/plain",
                body="", sha256="0" * 64,
            )
        ]  # fmt: skip


@pytest.mark.parametrize(("asked", "called"), [("nct1", "ctgov:NCT1"), ("NCT1", None)])
async def test_the_source_says_what_an_item_is_called(store, watcher, asked, called):
    """Where the source writes an item's id otherwise than it was asked for, the stage's answer has the source's way."""
    work = work_of(request=JobRequest(source="ctgov", id=asked))
    work = replace(work, ctx=replace(work.ctx, doc_id=f"ctgov:{asked}"))

    (outcome,) = await outcomes_of(Fetching(), [work], store, watcher)

    assert (None, called) == (outcome.error, outcome.doc_id)
