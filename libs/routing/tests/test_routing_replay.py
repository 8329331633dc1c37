"""A job's history, folded again, is the job."""

import pytest
from medkg_contracts.errors import TopologyUnknown
from medkg_contracts.kinds import Kind
from medkg_ledger.state import JobStatus, NodeStatus
from medkg_routing import Requested, Spoke, TimerFired, abandon, advance, reject
from medkg_routing.replay import Accepted, Past, Rejected, replay

from .telling import accepted, begun, done, fired, gate, plan, requested, spoke, stage, state_after

WAITS = plan(stage("a"), gate("wait", "a"), stage("b", "wait"))


def lived(events: list[Requested | Spoke | TimerFired]) -> tuple[object, list[Past]]:
    """The state that the router reaches with these events, a second apart, and their history."""
    first, *rest = events
    assert isinstance(first, Requested)
    step = begun(WAITS, first, 1000)
    state = state_after(step)
    history = [Past(first, 1000)]
    for number, event in enumerate(rest, 2):
        state = state_after(advance(WAITS, state, event, 1000 * number))
        history.append(Past(event, 1000 * number))
    return state, history


@pytest.mark.parametrize("length", [1, 2, 3])
def test_history_in_order_gives_the_same_state(length: int) -> None:
    """After any part of a job's life the replayed state is the router's."""
    events = [requested(), done("a", "a"), spoke(WAITS.by_name["wait"].event_topic)][:length]  # type: ignore[union-attr]  # a gate
    state, history = lived(events)

    replayed = replay(Accepted(WAITS, accepted(WAITS, requested())), history)

    assert replayed is not None
    assert state == replayed.state


def test_waiting_gate_has_its_timer_again() -> None:
    """A job that waits at a gate has the gate's timer after the replay; one that has passed it has none."""
    _, waiting = lived([requested(), done("a", "a")])
    _, passed = lived([requested(), done("a", "a"), spoke(WAITS.by_name["wait"].event_topic)])  # type: ignore[union-attr]  # a gate
    verdict = Accepted(WAITS, accepted(WAITS, requested()))

    replayed = [replay(verdict, history) for history in (waiting, passed)]

    assert [{"wait"}, set()] == [set(each.timers) for each in replayed if each is not None]


def test_answer_that_seems_older_than_its_question_counts() -> None:
    """A result stamped by a clock that runs behind is applied all the same."""
    first = requested()
    history = [Past(first, 5000), Past(done("a", "a"), 10)]

    replayed = replay(Accepted(WAITS, accepted(WAITS, first)), history)

    assert replayed is not None
    assert NodeStatus.WAITING == replayed.state.node("wait").status


def test_rejected_job_is_rejected_again() -> None:
    """A rejected job's replay has the reason that its event gave."""
    first = requested()
    error = TopologyUnknown("there is none").info

    replayed = replay(Rejected(error), [Past(first, 7)])

    assert replayed is not None
    assert state_after(reject(first, error, 7)) == replayed.state


def test_history_without_a_request_is_no_job() -> None:
    """Answers alone make no job."""
    assert replay(Accepted(WAITS, accepted(WAITS, requested())), [Past(fired("wait"), 1)]) is None


def test_job_without_its_plan_fails_with_the_reason() -> None:
    """A running job whose plan nobody has ends failed, and says so once."""
    state = state_after(begun(WAITS, requested()))
    event = done("a", "a")
    error = TopologyUnknown("gone").info

    step = abandon(state, event.origin, error, 9000)
    again = abandon(state_after(step), event.origin, error, 9001)

    assert (JobStatus.FAILED, error) == (state_after(step).status, state_after(step).error)
    assert [Kind.JOB_FAILED] == [emit.kind for emit in step.emits]
    assert "job_ended" == (again.ignored.reason if again.ignored else None)
