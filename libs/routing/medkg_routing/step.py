"""What was decided about a job: its next state, and what has to be told, asked, timed and given back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from medkg_contracts.data import Ignored
from medkg_contracts.ids import digest
from medkg_contracts.kinds import Kind
from medkg_contracts.model import Contract
from medkg_ledger.state import JobState, JobStatus, NodeStatus
from medkg_topology.plan import Plan, StageNode

from .inbound import Origin

Reason = Literal["duplicate", "stale_epoch", "late", "foreign", "job_ended"]

_TIMED = frozenset({NodeStatus.WAITING, NodeStatus.DEFERRED})


@dataclass(frozen=True, slots=True)
class Emit:
    """An event that the router sends.

    Attributes:
        node: the stage or gate that it is about; None for the job itself.
        sequence: position among the job's events; zero-padded, so that it sorts as text.
        cause: id of the event that led to it.
        cause_source: that event's `source`.
        expires: when its answer is of no more use, milliseconds since 1970; None for never.
        service: the stage service whose work it asks for; None for all else.
    """

    topic: str
    kind: Kind
    data: Contract | None
    sequence: str
    cause: str
    traceparent: str
    node: str | None = None
    epoch: int = 0
    expires: int | None = None
    service: str | None = None
    cause_source: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """What was decided.

    Attributes:
        state: the job's state afterwards; the same object when nothing changed.
        emits: events to send once the state is saved, in this order.
        set_timers: gates and deferred stages and when they are due, milliseconds since 1970.
        drop_timers: nodes whose timer is over.
        ignored: why the event changed nothing; None when it did.
        origin: of the event that was ignored.
        settled: (service, node) of the stages that were REQUESTED and are so no more, or in another epoch; they come
            before what `emits` asks for.
        fence: the job was cancelled: whatever was asked for it up to its sequence is void.
        hold: the job was paused (True), or its pause has ended (False).
    """

    state: JobState | None
    emits: Sequence[Emit] = ()
    set_timers: Sequence[tuple[str, int]] = ()
    drop_timers: Sequence[str] = ()
    ignored: Ignored | None = None
    origin: Origin | None = None
    settled: Sequence[tuple[str, str]] = ()
    fence: bool = False
    hold: bool | None = None


def between(before: JobState, after: JobState, plan: Plan, emits: Sequence[Emit]) -> Step:
    """The step from one state of a job to another; `plan` is the one that it was on before."""
    old, new = timers(before), timers(after)
    return Step(
        after,
        emits,
        set_timers=[timer for timer in new.items() if timer not in old.items()],
        drop_timers=[node for node in old if node not in new],
        settled=_settled(before, after, plan),
        fence=after.status is JobStatus.CANCELLED and not before.ended,
        hold=None if after.paused is before.paused else after.paused,
    )


def ignore(state: JobState | None, origin: Origin, reason: Reason) -> Step:
    """Change nothing, and say why; `state` is None for a job that nobody knows."""
    ignored = Ignored(reason=reason, type=origin.type, topic=origin.topic, event_id=origin.event_id)
    return Step(state, ignored=ignored, origin=origin)


def timers(state: JobState) -> Mapping[str, int]:
    """The nodes that wait for a moment, and which, milliseconds since 1970; an ended job has none."""
    if state.ended:
        return {}
    return {
        name: node.deadline for name, node in state.nodes.items() if node.status in _TIMED and node.deadline is not None
    }


def _settled(before: JobState, after: JobState, plan: Plan) -> list[tuple[str, str]]:
    settled = []
    for name, node in before.nodes.items():
        stage = plan.by_name.get(name)
        if node.status is NodeStatus.REQUESTED and isinstance(stage, StageNode):
            now = after.node(name)
            if now.status is not NodeStatus.REQUESTED or now.epoch != node.epoch:
                settled.append((stage.service, name))
    return settled


def sequence(number: int) -> str:
    """The position as text that sorts: eight digits."""
    return f"{number:08d}"


def trace_of(state: JobState) -> str:
    """The job's own W3C trace context; derived from its id when the request brought none."""
    if state.traceparent is not None:
        return state.traceparent
    trace = digest("trace", state.job_id)
    return f"00-{trace[:32]}-{trace[32:48]}-01"
