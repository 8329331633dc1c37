"""What operators order is obeyed: cancelled work is dropped, a paused stage begins nothing."""

# ruff: noqa: D102 - the methods are an observer's

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from medkg_contracts.errors import LedgerUnavailable, ResourceUnavailable
from medkg_contracts.policy import Policy
from medkg_contracts.requests import JobRequest
from medkg_contracts.stages import StageContext
from medkg_stagekit import control
from medkg_stagekit.calling import EXPANSION_PAGE
from medkg_stagekit.work import Work

from .fakes import Choir, Desk, Hasty, Holding, Shout, Unfold, Watcher, outcomes_of, work_of

#: What `work_of` makes has the sequence 2.
CANCELLED = Holding(fences={"j-1": 2})
FREE = Holding()
PAUSED = Holding(paused=True)


@pytest.fixture
def always_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer holds for longer than the question."""
    monkeypatch.setattr(control, "FRESH_S", 0.0)


@pytest.mark.parametrize("stage", [Shout, Choir])
async def test_cancelled_work_is_dropped(stage, store, watcher):
    """What was asked for before its job was cancelled is not begun; its mates and later work of the job are done."""
    works = [work_of("one"), work_of("two", "j-2"), work_of("three", sequence="00000003")]

    outcomes = await outcomes_of(stage(), works, store, watcher, orders=Desk([CANCELLED]))

    assert [True, False, False] == [outcome.dropped for outcome in outcomes]
    assert [{}, True, True] == [outcome.artifacts and True for outcome in outcomes]
    assert [("started", "j-1"), ("started", "j-2")] == sorted(watcher.told)


@pytest.mark.parametrize("stage", [Shout, Choir])
async def test_a_batch_asks_once(stage, store, watcher):
    """One question is for all jobs of a batch, each named once."""
    desk = Desk([FREE])
    works = [work_of(job_id=f"j-{number % 20}") for number in range(30)]

    await outcomes_of(stage(), works, store, watcher, orders=desk)

    assert [[f"j-{number}" for number in range(20)]] == desk.asked


@pytest.mark.usefixtures("always_asked")
async def test_a_cancelled_job_is_not_tried_again(store, watcher):
    """Running work ends at its next boundary: a job that is cancelled meanwhile has no further try."""
    desk = Desk([FREE])

    def act(ctx: StageContext, word: str) -> Exception:  # noqa: ARG001
        desk.answers = [CANCELLED]
        return ResourceUnavailable("away")

    stage = Shout(act)
    (outcome,) = await outcomes_of(stage, [work_of(policy=Policy(attempts=9))], store, watcher, orders=desk)

    assert (True, 1) == (outcome.dropped, len(stage.calls))


@dataclass
class Ordering(Watcher):
    """Orders something when the first page is handed over."""

    desk: Desk = field(default_factory=lambda: Desk([FREE]))
    then: list[Holding] = field(default_factory=list)

    async def publish_items(self, work: Work, requests: Sequence[JobRequest]) -> None:
        await super().publish_items(work, requests)
        if self.then:
            self.desk.answers, self.then = self.then, []

    @property
    def pages(self) -> list[object]:
        return [told[2] for told in self.told if told[0] == "expanded"]


@pytest.mark.usefixtures("always_asked")
async def test_a_cancelled_batch_asks_for_no_further_items(store):
    """An expansion that is cancelled ends after the page in hand."""
    watcher = Ordering(then=[CANCELLED])
    work = work_of(inputs={})

    (outcome,) = await outcomes_of(Unfold(EXPANSION_PAGE * 3), [work], store, watcher, orders=watcher.desk)

    assert (True, {}, [EXPANSION_PAGE]) == (outcome.dropped, outcome.artifacts, watcher.pages)


@pytest.mark.usefixtures("always_asked")
async def test_an_expansion_pauses_between_pages(store):
    """While its stage is paused an expansion goes no further, and then it goes on."""
    watcher = Ordering(then=[PAUSED, PAUSED, PAUSED, FREE])
    shutdown = Hasty()
    stage, work = Unfold(EXPANSION_PAGE + 1), work_of(inputs={})

    (outcome,) = await outcomes_of(stage, [work], store, watcher, orders=watcher.desk, shutdown=shutdown)

    assert (None, [1.0] * 3) == (outcome.error, [wait for wait in shutdown.waits if wait])
    assert [EXPANSION_PAGE, 1] == watcher.pages


@pytest.mark.usefixtures("always_asked")
async def test_a_pause_is_no_part_of_a_stages_time(store):
    """A stage that was paused for longer than its timeout has not used it up."""
    watcher = Ordering(then=[PAUSED, FREE])
    stage, work = Unfold(EXPANSION_PAGE + 1), work_of(inputs={}, policy=Policy(timeout_s=0.5))

    (outcome,) = await outcomes_of(stage, [work], store, watcher, orders=watcher.desk)

    assert (None, [EXPANSION_PAGE, 1]) == (outcome.error, watcher.pages)


@pytest.mark.parametrize("stage", [Shout, Choir])
async def test_a_paused_stage_begins_nothing(stage, store, watcher):
    """While the stage is paused nothing is begun; what is cancelled meanwhile is dropped."""
    desk = Desk([PAUSED, PAUSED, CANCELLED])
    shutdown = Hasty()
    works = [work_of("one"), work_of("two", "j-2")]

    outcomes = await outcomes_of(stage(), works, store, watcher, orders=desk, shutdown=shutdown)

    assert [1.0, 1.0] == shutdown.waits
    assert ([True, False], [("started", "j-2")]) == ([outcome.dropped for outcome in outcomes], watcher.told)


@pytest.mark.parametrize("stage", [Shout, Choir])
async def test_work_goes_on_when_nobody_knows_the_orders(stage, store, watcher):
    """While Redis does not answer, work goes on, and Redis is left alone for a while."""
    desk = Desk([LedgerUnavailable("away")])

    outcomes = await outcomes_of(stage(), [work_of(), work_of(job_id="j-2")], store, watcher, orders=desk)

    assert ([None, None], 1) == ([outcome.error for outcome in outcomes], len(desk.asked))


async def test_a_pause_outlives_redis(store, watcher, monkeypatch):
    """A pause that is known holds until the ledger says that it is over, also while the ledger does not answer."""
    monkeypatch.setattr(control, "AWAY_S", 0.0)
    away = LedgerUnavailable("away")
    shutdown = Hasty()

    await outcomes_of(Shout(), [work_of()], store, watcher, orders=Desk([PAUSED, away, away, FREE]), shutdown=shutdown)

    assert [1.0] * 3 == shutdown.waits


@pytest.mark.parametrize("stage", [Shout, Choir])
async def test_a_service_that_ends_leaves_what_must_wait(stage, store, watcher):
    """A service that is told to end does not wait for a pause to be over: the work is for the next to read it."""
    shutdown = Hasty()
    shutdown.leave()

    outcomes = await outcomes_of(
        stage(), [work_of(), work_of(job_id="j-2")], store, watcher, orders=Desk([PAUSED]), shutdown=shutdown
    )

    assert ([True, True], []) == ([outcome.left for outcome in outcomes], watcher.told)
