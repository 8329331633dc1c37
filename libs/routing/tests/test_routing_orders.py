"""What an operator's cancel, pause and resume lead to."""

import pytest
from medkg_contracts import topics
from medkg_contracts.data import JobEnded
from medkg_contracts.kinds import Kind
from medkg_ledger.state import JobStatus, NodeStatus
from medkg_routing import JobEvent

from .telling import (
    FAILURE,
    Story,
    cancelling,
    deferred,
    done,
    fired,
    gate,
    ignored,
    only,
    over,
    pausing,
    plan,
    requested,
    resuming,
    said,
    spoke,
    stage,
)

WIDE = plan(stage("a"), stage("b", service="shared"), stage("c"), gate("wait"), stage("end", "a", "b", "c", "wait"))


def test_cancel_ends_the_job() -> None:
    """A cancelled job says who cancelled it and why, and that is its last word."""
    story = Story(WIDE)
    step = story.tell(cancelling(), after_ms=7)

    assert ([("job.cancelled", None)], JobStatus.CANCELLED) == (said(step), story.state.status)
    assert JobEnded(order=cancelling().order, duration_ms=7) == only(step, Kind.JOB_CANCELLED).data


def test_cancel_gives_everything_back() -> None:
    """What stages and timers owe the job is settled, and whatever was asked for it is fenced off."""
    story = Story(WIDE)
    step = story.tell(deferred("c"), cancelling())

    assert ([("a", "a"), ("shared", "b")], ["c", "wait"], story.state.sequence) == (
        sorted(step.effects.settled),
        sorted(over(step)),
        step.effects.fence,
    )
    assert {NodeStatus.PENDING} == {node.status for node in story.state.nodes.values()}


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (done("a"), "job_ended"),
        (done("a", epoch=0), "stale_epoch"),
        (done("end"), "foreign"),
        (deferred("a"), "job_ended"),
        (spoke("mineru.done.v1"), "job_ended"),
        (cancelling("cancel-2"), "job_ended"),
        (pausing(), "job_ended"),
        (resuming(), "job_ended"),
        (requested(), "duplicate"),
    ],
)
def test_nothing_moves_a_cancelled_job(event: JobEvent, reason: str) -> None:
    """Whatever comes for a cancelled job is ignored with a reason."""
    story = Story(WIDE)
    before = story.tell(cancelling()).state
    step = story.tell(event)

    assert (reason, [], []) == (ignored(step), said(step), list(step.effects.settled))
    assert step.state is before


def test_timer_of_a_cancelled_job_is_dropped() -> None:
    """A timer that was under way when the job was cancelled does nothing."""
    story = Story(WIDE)
    step = story.tell(cancelling(), fired("wait"), after_ms=60_000)

    assert (["wait"], [], JobStatus.CANCELLED) == (over(step), said(step), story.state.status)


@pytest.mark.parametrize("order", [cancelling(tenant="acme"), pausing(tenant="acme"), resuming(tenant="acme")])
def test_order_of_another_tenant_is_foreign(order: JobEvent) -> None:
    """An operator of one tenant orders nothing about another's jobs."""
    assert "foreign" == ignored(Story(WIDE).tell(order))


def test_order_of_the_own_tenant_is_obeyed() -> None:
    """A tenant's operator may order about the tenant's jobs."""
    assert [("job.paused", None)] == said(Story(WIDE).tell(pausing(tenant="public")))


def test_pause_and_resume_are_told() -> None:
    """A pause holds the job's asks and its end releases them; both are told with the order."""
    story = Story(WIDE)
    paused = story.tell(pausing())
    resumed = story.tell(resuming())

    assert (True, [("job.paused", None)]) == (paused.effects.hold, said(paused))
    assert (False, [("job.resumed", None)]) == (resumed.effects.hold, said(resumed))
    assert (topics.EVENTS, pausing().order) == (paused.emits[0].topic, paused.emits[0].data)


def test_pause_of_a_paused_job_is_a_duplicate() -> None:
    """A job that is so already is not changed by the order."""
    story = Story(WIDE)
    resumed = story.tell(resuming())
    paused = story.tell(pausing(), pausing("pause-2"))

    assert ("duplicate", "duplicate", None) == (ignored(resumed), ignored(paused), paused.effects.hold)


def test_paused_job_goes_on_hearing() -> None:
    """A paused job applies results and asks for what follows; that nothing is sent is the ledger's affair."""
    story = Story(plan(stage("a"), stage("b", "a")))
    step = story.tell(pausing(), done("a"))

    assert ([("stage.requested", "b")], None, True) == (said(step), step.effects.hold, story.state.paused)


@pytest.mark.parametrize("end", [cancelling(), done("a", error=FAILURE), done("a")])
def test_end_of_a_paused_job_ends_the_pause(end: JobEvent) -> None:
    """An ended job is not paused, so that nothing of it is left in the ledger's pauses."""
    story = Story(plan(stage("a")))
    step = story.tell(pausing(), end)

    assert (False, False) == (step.effects.hold, story.state.paused)
