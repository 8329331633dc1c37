"""A job as a state machine: after every single event it either has ended or waits for something that can come."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from medkg_contracts import topics
from medkg_contracts.errors import OrderRefused
from medkg_contracts.kinds import JOB_ENDS
from medkg_ledger.state import OPEN, JobState, NodeStatus
from medkg_routing import Decision, Deferred, Happening, NodeEnded, Rerun, advance, rerun
from medkg_topology.plan import GateNode, Plan, StageNode

from .dags import plans
from .telling import (
    FAILURE,
    NOW,
    begun,
    cancelling,
    deferred,
    fired,
    over,
    pausing,
    plan,
    ref,
    refs,
    requested,
    rerunning,
    resuming,
    spoke,
    started,
    state_after,
)
from .world import requested_nodes

WAITS = {NodeStatus.WAITING, NodeStatus.DEFERRED}


class JobMachine(RuleBasedStateMachine):
    """Chooses one event at a time; keeps timers and credit as the ledger would."""

    plan: Plan = plan()
    state: JobState
    now: int = NOW

    def __init__(self) -> None:
        super().__init__()
        self.timers: dict[str, int] = {}
        self.flight: set[tuple[str, str]] = set()
        self.heard: list[NodeEnded | Deferred] = []
        self.ordered = 0

    @initialize(plan=plans())
    def begin(self, plan: Plan) -> None:
        """Ask for the job."""
        self.plan = plan
        self.state = state_after(begun(plan, requested(), self.now)).model_copy(update={"nodes": {}})
        self._take(begun(plan, requested(), self.now))

    @precondition(lambda self: self._nodes(NodeStatus.REQUESTED))
    @rule(data=st.data(), well=st.sampled_from([True, True, True, True, False]))
    def stage_answers(self, data: Any, well: bool) -> None:
        """A stage that was asked ends, mostly well."""
        node = self._requested(data)
        topic, error = topics.done(node.service), None if well else FAILURE
        epoch = self.state.node(node.name).epoch
        self._hear(spoke(topic, name=node.name, epoch=epoch, artifacts=refs(*node.outputs), error=error))

    @precondition(lambda self: self._nodes(NodeStatus.REQUESTED))
    @rule(data=st.data())
    def stage_defers(self, data: Any) -> None:
        """A stage that was asked puts its next try off."""
        node = self._requested(data)
        current = self.state.node(node.name)
        self._hear(deferred(node.name, epoch=current.epoch, tried=current.tried + 1, service=node.service))

    @precondition(lambda self: self.plan.gates_by_topic)
    @rule(data=st.data())
    def gate_event_comes(self, data: Any) -> None:
        """The event of any gate comes: early, in time, again or late."""
        gates = [node for node in self.plan.nodes if isinstance(node, GateNode)]
        gate = data.draw(st.sampled_from(gates))
        event_id = f"{gate.name}/{self.state.run}"
        self._hear(spoke(gate.event_topic, name=gate.name, artifacts=refs(*gate.outputs), event_id=event_id))

    @precondition(lambda self: self.timers)
    @rule()
    def timer_is_due(self) -> None:
        """The next timer fires at its time."""
        name = min(self.timers, key=lambda name: self.timers[name])
        self.now = max(self.now, self.timers[name])
        self._tell(fired(name))

    @precondition(lambda self: self.timers)
    @rule(data=st.data())
    def timer_fires_too_soon(self, data: Any) -> None:
        """A timer fires by a clock that runs ahead."""
        self._tell(fired(data.draw(st.sampled_from(sorted(self.timers)))))

    @rule(paused=st.booleans())
    def operator_pauses(self, paused: bool) -> None:
        """An operator pauses the job, or ends its pause."""
        self._tell((pausing if paused else resuming)(self._order()))

    @rule(sure=st.sampled_from([True, False, False, False]))
    def operator_cancels(self, sure: bool) -> None:
        """An operator cancels the job."""
        if sure:
            self._tell(cancelling(self._order()))

    @rule(data=st.data(), plans=st.none() | plans())
    def operator_reruns(self, data: Any, plans: Plan | None) -> None:
        """An operator runs the job again, from any stage, perhaps on another plan; what cannot be is refused."""
        newest = plans or self.plan
        stage = data.draw(st.none() | st.sampled_from(list(newest.by_name)))
        order = rerunning(stage, event_id=self._order(), latest=plans is not None)
        try:
            step = rerun(newest, self.state, order, self.now, ref=ref("plan"), pinned=self.plan)
        except OrderRefused:
            return
        self.plan = newest
        self.heard = [event for event in self.heard if event.epoch is not None]
        self._take(step)

    @precondition(lambda self: self.heard)
    @rule(data=st.data())
    def event_comes_again(self, data: Any) -> None:
        """What was heard in this run, or names its epoch, is delivered again: nothing changes."""
        before = self.state
        self._tell(data.draw(st.sampled_from(self.heard)))
        assert self.state is before

    @invariant()
    def job_has_ended_or_waits(self) -> None:
        """No job is stuck: it has ended and nothing of it is open, or somebody owes it an answer."""
        assert self.state.ended is not any(node.status in OPEN for node in self.state.nodes.values())

    @invariant()
    def whoever_waits_has_a_timer(self) -> None:
        """The timers in the ledger are those of the waiting gates and the deferred stages, and no others."""
        waiting = {name: node.deadline for name, node in self.state.nodes.items() if node.status in WAITS}
        assert waiting == self.timers

    @invariant()
    def credit_is_what_is_requested(self) -> None:
        """What the stages owe an answer, counted from asks and settlements, is what is REQUESTED."""
        assert requested_nodes(self.plan, self.state) == self.flight

    @invariant()
    def what_has_ended_is_not_paused(self) -> None:
        """A pause ends with the job."""
        assert not (self.state.ended and self.state.paused)

    def _order(self) -> str:
        self.ordered += 1
        return f"order-{self.ordered}"

    def _requested(self, data: Any) -> StageNode:
        node = self.plan.by_name[data.draw(st.sampled_from(self._nodes(NodeStatus.REQUESTED)))]
        assert isinstance(node, StageNode)
        return node

    def _nodes(self, status: NodeStatus) -> list[str]:
        return sorted(name for name, node in self.state.nodes.items() if node.status is status)

    def _hear(self, event: NodeEnded | Deferred) -> None:
        before = self.state
        self._tell(event)
        if self.state is not before:
            self.heard.append(event)

    def _tell(self, event: Happening) -> None:
        assert not isinstance(event, Rerun)
        self.now += 1
        self._take(advance(self.plan, self.state, event, self.now))

    def _take(self, step: Decision) -> None:
        before, self.state = self.state, state_after(step)
        for name in over(step):
            self.timers.pop(name, None)
        self.timers |= dict(started(step))
        self.flight -= set(step.effects.settled)
        self.flight |= {(emit.service, emit.node) for emit in step.emits if emit.service and emit.node}
        endings = sum(emit.kind in JOB_ENDS for emit in step.emits)
        began = not before.ended or self.state.run > before.run
        assert endings == int(self.state.ended and began)
        assert all(self.state.node(name).epoch >= node.epoch for name, node in before.nodes.items())


JobMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestJobMachine = JobMachine.TestCase
