"""What becomes of a stage whose next try is put off."""

import pytest
from medkg_contracts.data import StageRequest
from medkg_contracts.kinds import Kind
from medkg_ledger.state import JobStatus, NodeStatus
from medkg_routing import Deferred

from .telling import (
    FAILURE,
    NOW,
    Story,
    deferred,
    done,
    fired,
    gate,
    ignored,
    only,
    over,
    plan,
    said,
    spoke,
    stage,
    started,
)

ONE = plan(stage("only", service="slow"))
LATER = deferred("only", service="slow", tried=3, wait_s=30)
DUE = NOW + 1000 + 30_000


def test_deferred_stage_waits_for_its_timer() -> None:
    """A deferral frees the stage's credit, says nothing, and sets a timer for the wait that it names."""
    story = Story(ONE)
    step = story.tell(LATER)
    node = story.state.node("only")

    assert ([("slow", "only")], [("only", DUE)], []) == (list(step.effects.settled), started(step), said(step))
    assert (NodeStatus.DEFERRED, DUE, 3, 1) == (node.status, node.deadline, node.tried, node.epoch)
    assert JobStatus.RUNNING == story.state.status


def test_timer_asks_again() -> None:
    """When it is due, the stage is asked for in its next epoch, told how many tries are used up."""
    story = Story(ONE)
    step = story.tell(LATER, fired("only"), after_ms=31_000)
    emit = only(step, Kind.STAGE_REQUESTED, "only")

    assert (2, "slow", ["only"]) == (emit.epoch, emit.service, over(step))
    assert isinstance(emit.data, StageRequest)
    assert (3, NodeStatus.REQUESTED) == (emit.data.tried, story.state.node("only").status)


def test_next_epoch_completes() -> None:
    """The answer of the next epoch is the stage's result."""
    story = Story(ONE)
    story.tell(LATER, fired("only"), spoke("slow.done.v1", name="only", epoch=2), after_ms=31_000)

    assert JobStatus.COMPLETED == story.state.status


@pytest.mark.parametrize("epoch", [1, 2])
def test_first_epoch_is_over(epoch: int) -> None:
    """A second answer of the deferred epoch is ignored, before and after the stage is asked for again."""
    story = Story(ONE)
    story.tell(LATER, *[fired("only")] * (epoch - 1), after_ms=31_000)
    steps = [story.tell(again) for again in (LATER, spoke("slow.done.v1", name="only", epoch=1))]

    assert [["duplicate", "stale_epoch"][epoch - 1]] * 2 == [ignored(step) for step in steps]


def test_premature_timer_of_a_stage_is_set_again() -> None:
    """A clock that runs ahead does not cut the wait short, nor lose it."""
    story = Story(ONE)
    before = story.tell(LATER).state
    step = story.tell(fired("only"), after_ms=10)

    assert ([("only", DUE)], []) == (started(step), said(step))
    assert step.state is before


def test_timer_that_fires_twice_asks_once() -> None:
    """The second ``timer.due`` of a wait does nothing."""
    story = Story(ONE)
    step = story.tell(LATER, fired("only"), fired("only"), after_ms=31_000)

    assert (["only"], []) == (over(step), said(step))


@pytest.mark.parametrize(
    "event",
    [
        deferred("nowhere"),
        deferred("only"),
        deferred("wait", service="mineru"),
        deferred("only", service="slow", tenant="acme"),
        deferred("only", service="slow", epoch=2),
    ],
    ids=["no such stage", "another service's topic", "a gate", "another tenant", "not asked yet"],
)
def test_foreign_deferral(event: Deferred) -> None:
    """A deferral that does not fit the job is ignored."""
    assert "foreign" == ignored(Story(plan(stage("only", service="slow"), gate("wait"))).tell(event))


def test_failure_elsewhere_ends_the_wait() -> None:
    """When the job fails, a deferred stage's timer is dropped, and other stages' credit is free."""
    story = Story(plan(stage("a"), stage("b"), stage("c")))
    step = story.tell(deferred("a"), done("b", error=FAILURE))

    assert (["a"], [("b", "b"), ("c", "c")]) == (over(step), sorted(step.effects.settled))
