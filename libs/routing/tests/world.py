"""A world around one job: services, outside systems and operators that speak in any order, twice, badly or never."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from medkg_contracts import topics
from medkg_contracts.data import JobRestarted, StageRequest
from medkg_contracts.errors import OrderRefused
from medkg_contracts.kinds import Kind
from medkg_ledger.state import PASSED, JobState, NodeStatus
from medkg_routing import Decision, Emit, JobEvent, Rerun, advance, rerun
from medkg_routing.replay import Accepted, Obeyed, Past, Restarted, Verdict
from medkg_topology.plan import GateNode, Plan, StageNode

from .telling import (
    FAILURE,
    NOW,
    accepted,
    begun,
    cancelling,
    deferred,
    fired,
    over,
    pausing,
    ref,
    refs,
    requested,
    rerunning,
    resuming,
    spoke,
    started,
    state_after,
)

#: How a node answers: "badly" is a failure, "poorly" lacks an output, "once-badly" fails in its first epoch alone. Only
#: a stage may answer "later": it defers twice. Only a gate may be "early", or "silent": then its timer fires, and once
#: before by a clock that runs ahead.
Manner = Literal["well", "badly", "poorly", "once-badly", "later", "silent", "early", "early-badly"]

_OF_GATES = frozenset({"silent", "early", "early-badly"})
_OBEYED = frozenset({Kind.JOB_CANCELLED, Kind.JOB_PAUSED, Kind.JOB_RESUMED})


@dataclass
class World:
    """Runs a job to its end and keeps all that was said.

    Attributes:
        plan: that the job is on.
        manners: how each node answers.
        seed: chooses what is heard next, and what is heard twice.
        repeats: how likely an answer is heard again later.
        orders: how many orders an operator gives, at any time.
        latest: the plan that a rerun may move the job to.
        clock: by how much the time of an event differs from the last one's, at least and at most.
        held: answers under way.
        timers: what the ledger would hold.
        flight: what the stages owe an answer, as the ledger would count it.
        heard: every event with its time.
        steps: each beginning with the state before it; an order that was refused is a step without a change.
        plans: the plan that each step was decided on.
    """

    plan: Plan
    manners: dict[str, Manner]
    seed: int
    until: str | None = None
    repeats: float = 0.3
    orders: int = 0
    latest: Plan | None = None
    clock: tuple[int, int] = (-200, 500)
    now: int = NOW
    held: list[JobEvent] = field(default_factory=list)
    timers: dict[str, int] = field(default_factory=dict)
    flight: set[tuple[str, str]] = field(default_factory=set)
    heard: list[tuple[JobEvent, int]] = field(default_factory=list)
    steps: list[Decision] = field(default_factory=list)
    plans: list[Plan] = field(default_factory=list)

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

    def run(self, check: Callable[["World"], None] = lambda _: None) -> "World":
        """Begin the job and deliver answers until none is under way, and no timer and no order is left.

        Args:
            check: is given the world after each event.
        """
        self.begin()
        check(self)
        while self.held or self.timers or self.orders:
            if self.orders and (self.order.random() < 0.2 or not (self.held or self.timers)):
                self.orders -= 1
                self._tell(self._order())
            elif self.held:
                self.hear(self.held.pop(self.order.randrange(len(self.held))))
            else:
                self.fire(min(self.timers, key=lambda name: (self.timers[name], name)))
            check(self)
        return self

    def begin(self) -> None:
        """Ask for the job; what speaks early does so at once."""
        self._take(begun(self.plan, requested(until=self.until), self.now))
        for node in self.plan.nodes:
            if self._manner(node).startswith("early"):
                self.hear(self._answer(node))

    def hear(self, event: JobEvent) -> None:
        """Tell the router an event, and perhaps keep it to tell it again."""
        if self.order.random() < self.repeats:
            self.held.append(event)
        self._tell(event)

    def fire(self, name: str) -> None:
        """Fire a timer at its time."""
        self.now = max(self.now, self.timers[name] - self.clock[0])
        self._tell(fired(name))

    def _order(self) -> JobEvent:
        number, source = "order", f"/operator/{len(self.heard)}"  # an id says nothing without its source
        stage = self.order.choice([None, *self.plan.by_name])
        latest = self.latest is not None and self.order.random() < 0.5
        again = rerunning(stage, event_id=number, latest=latest, source=source)
        others = [order(number, source=source) for order in (cancelling, pausing, resuming)]
        orders: list[JobEvent] = [*others, again, again]
        return self.order.choice(orders)

    def _tell(self, event: JobEvent) -> None:
        self.now += self.order.randrange(*self.clock)  # machines' clocks differ
        self.heard.append((event, self.now))
        if not isinstance(event, Rerun):
            self._take(advance(self.plan, self.state, event, self.now))
            return
        plan = self.latest if event.order.latest and self.latest is not None else self.plan
        try:
            step = rerun(plan, self.state, event, self.now, ref=ref("plan"), pinned=self.plan)
        except OrderRefused:
            step = Decision(self.state)
        else:
            self.plan = plan
        self._take(step)

    def _take(self, step: Decision) -> None:
        self.steps.append(step)
        self.plans.append(self.plan)
        for name in over(step):
            self.timers.pop(name, None)
        self.timers |= dict(started(step))
        self.flight -= set(step.effects.settled)
        for emit in step.emits:
            if emit.service is not None and emit.node is not None:
                self.flight.add((emit.service, emit.node))
            node = self.plan.by_name.get(emit.node or "")
            if node is not None and _asks(node, emit) and not (self._manner(node)[:5] == "early" and emit.epoch == 1):
                self.held.append(self._answer(node, emit))

    def _manner(self, node: StageNode | GateNode) -> Manner:
        manner = self.manners.get(node.name, "well")
        fits = manner != "later" if isinstance(node, GateNode) else manner not in _OF_GATES
        return manner if fits else "well"

    def _answer(self, node: StageNode | GateNode, emit: Emit | None = None) -> JobEvent:
        manner = self._manner(node)
        epoch = None if emit is None else emit.epoch
        if manner == "silent":
            return fired(node.name)
        if manner == "later" and isinstance(node, StageNode) and emit is not None:
            tried = emit.data.tried if isinstance(emit.data, StageRequest) else 0
            if tried < 2:
                return deferred(node.name, epoch=emit.epoch, tried=tried + 1, service=node.service)
        made = node.outputs[1:] if manner == "poorly" else node.outputs
        topic = topics.done(node.service) if isinstance(node, StageNode) else node.event_topic
        bad = manner in {"badly", "early-badly"} or (manner == "once-badly" and epoch == 1)
        return spoke(
            topic,
            name=node.name,
            epoch=epoch,
            artifacts=refs(*made),
            error=FAILURE if bad else None,
            event_id=f"answer-{node.name}-{epoch}",
        )

    def history(self) -> list[Past]:
        """What stands in the router's input topics."""
        return [Past(requested(until=self.until), NOW), *(Past(event, now) for event, now in self.heard)]

    def verdicts(self) -> list[Verdict]:
        """What stands in the lifecycle about requests and orders."""
        first = requested(until=self.until)
        verdicts: list[Verdict] = [Accepted(self.plans[0], accepted(self.plans[0], first), first.origin.event_id)]
        for step, plan in zip(self.steps, self.plans, strict=True):
            for emit in step.emits:
                if isinstance(emit.data, JobRestarted):
                    verdicts.append(Restarted(plan, emit.data, emit.cause, int(emit.sequence), emit.cause_source))
                elif emit.kind in _OBEYED:
                    verdicts.append(Obeyed(emit.cause, int(emit.sequence), emit.cause_source))
        return verdicts


def _asks(node: StageNode | GateNode, emit: Emit) -> bool:
    """Whether the emit is what the node answers to: a request, or that the gate now waits."""
    return emit.kind is (Kind.GATE_WAITING if isinstance(node, GateNode) else Kind.STAGE_REQUESTED)


def requested_nodes(plan: Plan, state: JobState) -> set[tuple[str, str]]:
    """The stages that owe an answer, by service and name."""
    stages = [node for node in plan.nodes if isinstance(node, StageNode)]
    return {(node.service, node.name) for node in stages if state.node(node.name).status is NodeStatus.REQUESTED}


def unready_requests(world: World) -> list[str]:
    """The nodes that were started before all they depend on had passed, or without an input that must exist."""
    found = []
    for step, plan in zip(world.steps, world.plans, strict=True):
        state = state_after(step)
        for emit in step.emits:
            if emit.kind in {Kind.STAGE_REQUESTED, Kind.GATE_WAITING}:
                node = plan.by_name[emit.node or ""]
                passed = all(state.node(need).status in PASSED for need in node.depends_on)
                if not passed or not _inputs_there(plan, state, node, emit):
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
