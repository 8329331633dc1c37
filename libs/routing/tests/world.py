"""A world around one job: services and outside systems that answer in any order, twice, badly or never."""

from dataclasses import dataclass, field
from random import Random
from typing import Literal

from medkg_contracts import topics
from medkg_contracts.data import StageRequest
from medkg_contracts.kinds import Kind
from medkg_ledger.state import PASSED, JobState, NodeStatus
from medkg_routing import Emit, Step, advance
from medkg_topology.plan import GateNode, Plan, StageNode

from .telling import FAILURE, NOW, Event, begun, fired, refs, requested, spoke, state_after

#: How a node answers: "badly" is a failure, "poorly" lacks an output. Only a gate may be "early", or "silent": then
#: its timer fires, and once before by a clock that runs ahead.
Manner = Literal["well", "badly", "poorly", "silent", "early", "early-badly"]


@dataclass
class World:
    """Runs a job to its end and keeps all that was said.

    Attributes:
        manners: how each node answers.
        seed: chooses what is heard next, and what is heard twice.
        repeats: how likely an event is heard again later.
        held: answers under way.
        timers: what the ledger would hold.
        heard: every event with its time.
    """

    plan: Plan
    manners: dict[str, Manner]
    seed: int
    until: str | None = None
    repeats: float = 0.3
    now: int = NOW
    held: list[Event] = field(default_factory=list)
    timers: dict[str, int] = field(default_factory=dict)
    heard: list[tuple[Event, int]] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.order = Random(self.seed)  # noqa: S311 - a choice that can be repeated, not a secret

    @property
    def state(self) -> JobState:
        """The job as it is now."""
        return state_after(self.steps[-1])

    @property
    def emits(self) -> list[Emit]:
        """All that the router sent."""
        return [emit for step in self.steps for emit in step.emits]

    def run(self) -> "World":
        """Begin the job and deliver answers until none is under way and no timer is left."""
        self.begin()
        while self.held or self.timers:
            if self.held:
                self.hear(self.held.pop(self.order.randrange(len(self.held))))
            else:
                self.fire(min(self.timers, key=lambda name: (self.timers[name], name)))
        return self

    def begin(self) -> None:
        """Ask for the job; what speaks early does so at once."""
        self._take(begun(self.plan, requested(until=self.until), self.now))
        for node in self.plan.nodes:
            if self.manners[node.name].startswith("early"):
                self.hear(self._answer(node))

    def hear(self, event: Event) -> None:
        """Tell the router an event, and perhaps keep it to tell it again."""
        if self.order.random() < self.repeats:
            self.held.append(event)
        self.now += self.order.randrange(-200, 500)  # machines' clocks differ
        self._tell(event)

    def fire(self, name: str) -> None:
        """Fire a gate's timer at its time."""
        self.now = max(self.now, self.timers[name])
        self._tell(fired(name))

    def _tell(self, event: Event) -> None:
        self.heard.append((event, self.now))
        self._take(advance(self.plan, self.state, event, self.now))

    def _take(self, step: Step) -> None:
        self.steps.append(step)
        for name in step.drop_timers:
            self.timers.pop(name, None)
        self.timers |= dict(step.set_timers)
        for emit in step.emits:
            node = self.plan.by_name.get(emit.node or "")
            if node is not None and _asks(node, emit) and not self.manners[node.name].startswith("early"):
                self.held.append(self._answer(node))

    def _answer(self, node: StageNode | GateNode) -> Event:
        if self.manners[node.name] == "silent":
            return fired(node.name)
        made = node.outputs[1:] if self.manners[node.name] == "poorly" else node.outputs
        topic = topics.done(node.service) if isinstance(node, StageNode) else node.event_topic
        error = FAILURE if self.manners[node.name].endswith("badly") else None
        return spoke(topic, name=node.name, artifacts=refs(*made), error=error, event_id=f"answer-{node.name}")


def _asks(node: StageNode | GateNode, emit: Emit) -> bool:
    """Whether the emit is what the node answers to: a request, or that the gate now waits."""
    return emit.kind is (Kind.GATE_WAITING if isinstance(node, GateNode) else Kind.STAGE_REQUESTED)


def replayed(world: World) -> list[Step]:
    """The steps of a job that hears exactly what the world's job heard."""
    steps = [begun(world.plan, requested(until=world.until), NOW)]
    for event, now in world.heard:
        steps.append(advance(world.plan, state_after(steps[-1]), event, now))
    return steps


def unready_requests(world: World) -> list[str]:
    """The nodes that were started before all they depend on had passed, or without an input that must exist."""
    found = []
    for step in world.steps:
        state = state_after(step)
        for emit in step.emits:
            if emit.kind in {Kind.STAGE_REQUESTED, Kind.GATE_WAITING}:
                node = world.plan.by_name[emit.node or ""]
                passed = all(state.node(need).status in PASSED for need in node.depends_on)
                if not passed or not _inputs_there(world.plan, state, node, emit):
                    found.append(node.name)
    return found


def _inputs_there(plan: Plan, state: JobState, node: StageNode | GateNode, emit: Emit) -> bool:
    """Whether the request brings every input, but for what an expired gate would have made."""
    if not isinstance(emit.data, StageRequest):
        return True
    expired = [other for other in plan.nodes if state.node(other.name).status is NodeStatus.EXPIRED]
    lost = {name for other in expired for name in other.outputs}
    return refs(*(name for name in node.inputs if name not in lost)) == dict(emit.data.inputs)


def settled(state: JobState) -> dict[str, object]:
    """The parts of a state that must not depend on the order in which independent branches answered."""
    body = state.model_dump(exclude={"sequence", "updated_at", "current_stage"})
    for node in body["nodes"].values():
        for moment in ("started_at", "ended_at", "deadline"):
            node[moment] = None
    return body
