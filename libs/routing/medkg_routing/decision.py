"""What was decided about a job: its next state, and what has to be told, asked, timed and given back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from medkg_contracts.data import Ignored
from medkg_ledger import NO_EFFECTS, Effects
from medkg_ledger.state import JobState, JobStatus, NodeStatus
from medkg_topology.plan import Plan, StageNode

from .emit import Emit, sequence
from .inbound import Origin

Reason = Literal["duplicate", "stale_epoch", "late", "foreign", "job_ended"]

_TIMED = frozenset({NodeStatus.WAITING, NodeStatus.DEFERRED})


@dataclass(frozen=True, slots=True)
class IgnoredEvent:
    """An event that changed nothing.

    Attributes:
        origin: of the event.
        job: as it was; None if nobody knows it.
    """

    data: Ignored
    origin: Origin
    job: JobState | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about a job. It is carried as it is from here to the commit.

    Attributes:
        state: the job's state afterwards; the same object when nothing changed, None for a job that nobody knows.
        emits: events to send once the state is saved, in this order.
        effects: what is written together with the state.
        ignored: events that changed nothing, and why.
    """

    state: JobState | None
    emits: tuple[Emit, ...] = ()
    effects: Effects = NO_EFFECTS
    ignored: tuple[IgnoredEvent, ...] = ()

    def then(self, later: "Decision") -> "Decision":
        """This, and then what was decided on the state that it leaves."""
        if later.state is not None and not (self.emits or self.ignored) and self.effects is NO_EFFECTS:
            return later  # as most jobs of a batch: one event, one decision
        withdrawn = {node for _, node in later.effects.settled}  # asked for and withdrawn before anybody was told
        kept = [emit for emit in self.emits if emit.service is None or emit.node not in withdrawn]
        return Decision(
            self.state if later.state is None else later.state,
            (*kept, *later.emits),
            self.effects.then(later.effects),
            (*self.ignored, *later.ignored),
        )


def between(before: JobState, after: JobState, plan: Plan, emits: Iterable[Emit]) -> Decision:
    """The decision that leads from one state of a job to another, and says this in this order.

    Args:
        before: the job as it was.
        after: as it is now.
        plan: that it was on before.
        emits: as they came about; here they get the job's next sequence numbers.
    """
    old, new = timers(before), timers(after)
    due: dict[str, int | None] = {node: None for node in old if node not in new}
    due |= {node: moment for node, moment in new.items() if old.get(node) != moment}
    effects = Effects(
        timers=due,
        settled=tuple(_settled(before, after, plan)),
        fence=after.sequence if after.status is JobStatus.CANCELLED and not before.ended else None,
        hold=None if after.paused is before.paused else after.paused,
    )
    said = enumerate(emits, before.sequence + 1)
    return Decision(after, tuple(replace(emit, job=after, sequence=sequence(number)) for number, emit in said), effects)


def ignore(state: JobState | None, origin: Origin, reason: Reason) -> Decision:
    """Change nothing, and say why; `state` is None for a job that nobody knows."""
    data = Ignored(reason=reason, type=origin.type, topic=origin.topic, event_id=origin.event_id)
    return Decision(state, ignored=(IgnoredEvent(data, origin, state),))


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
