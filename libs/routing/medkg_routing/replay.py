"""A job's state from its history: what `medkg ledger rebuild` folds over the records in Kafka."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from medkg_contracts.data import JobAccepted
from medkg_contracts.errors import ErrorInfo
from medkg_ledger.state import JobState
from medkg_topology.plan import Plan

from .advance import admit, advance, reject
from .inbound import Requested, Spoke, TimerFired
from .turn import Step


@dataclass(frozen=True, slots=True)
class Accepted:
    """The router accepted the job on this plan."""

    plan: Plan
    data: JobAccepted


@dataclass(frozen=True, slots=True)
class Rejected:
    """The router rejected the job."""

    error: ErrorInfo


@dataclass(frozen=True, slots=True)
class Past:
    """An event of the job's history, with its record's time in milliseconds since 1970."""

    event: Requested | Spoke | TimerFired
    now: int


@dataclass(slots=True)
class Replayed:
    """A job as its history leaves it.

    Attributes:
        timers: gates that still wait, and when they expire.
    """

    state: JobState
    timers: dict[str, int] = field(default_factory=dict)


def replay(verdict: Accepted | Rejected, history: Sequence[Past]) -> Replayed | None:
    """The job after its history, or None when nobody requested it.

    The history is applied in order of time. Clocks differ between machines, so an answer may seem older than its
    question: what does not apply yet is tried again after what does.
    """
    events = sorted(history, key=lambda past: (past.now, not isinstance(past.event, Requested)))
    first = next((past for past in events if isinstance(past.event, Requested)), None)
    if first is None:
        return None
    replayed = _begin(verdict, first)
    waiting = [past for past in events if past is not first]
    while isinstance(verdict, Accepted):
        early = [past for past in waiting if not _apply(replayed, verdict.plan, past)]
        if len(early) == len(waiting):
            break
        waiting = early
    return replayed


def _begin(verdict: Accepted | Rejected, first: Past) -> Replayed:
    if not isinstance(first.event, Requested):
        raise TypeError(first.event)
    if isinstance(verdict, Rejected):
        step = reject(first.event, verdict.error, first.now)
    else:
        event = replace(first.event, request=verdict.data.request)
        step = admit(verdict.plan, event, first.now, accepted=verdict.data)
    if step.state is None:
        raise AssertionError("a begun job has a state")
    replayed = Replayed(step.state)
    _keep_timers(replayed, step)
    return replayed


def _apply(replayed: Replayed, plan: Plan, past: Past) -> bool:
    """Apply one event; whether it is dealt with."""
    step = advance(plan, replayed.state, past.event, past.now)
    if step.ignored is not None:
        return step.ignored.reason != "foreign"
    if step.state is not None:
        replayed.state = step.state
    _keep_timers(replayed, step)
    return True


def _keep_timers(replayed: Replayed, step: Step) -> None:
    replayed.timers = {node: due for node, due in replayed.timers.items() if node not in step.drop_timers}
    replayed.timers |= dict(step.set_timers)
