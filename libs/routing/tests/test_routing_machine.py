"""A job as a state machine: after every single event it either has ended or waits for something that can come."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from medkg_contracts import topics
from medkg_contracts.kinds import Kind
from medkg_ledger.state import OPEN, JobState, JobStatus, NodeStatus
from medkg_routing import Spoke, TimerFired, advance
from medkg_topology.plan import GateNode, Plan, StageNode

from .dags import plans
from .telling import FAILURE, NOW, begun, fired, plan, refs, requested, spoke, state_after


class JobMachine(RuleBasedStateMachine):
    """Chooses one event at a time; keeps the timers as the ledger would."""

    plan: Plan = plan()
    state: JobState
    now: int = NOW

    def __init__(self) -> None:
        super().__init__()
        self.timers: dict[str, int] = {}
        self.heard: list[Spoke] = []
        self.endings = 0

    @initialize(plan=plans())
    def begin(self, plan: Plan) -> None:
        """Ask for the job."""
        self.plan = plan
        self._take(begun(plan, requested(), self.now))

    @precondition(lambda self: self._nodes(NodeStatus.REQUESTED))
    @rule(data=st.data(), well=st.sampled_from([True, True, True, True, False]))
    def stage_answers(self, data: Any, well: bool) -> None:
        """A stage that was asked ends, mostly well."""
        node = self.plan.by_name[data.draw(st.sampled_from(self._nodes(NodeStatus.REQUESTED)))]
        assert isinstance(node, StageNode)
        topic, error = topics.done(node.service), None if well else FAILURE
        self._hear(spoke(topic, name=node.name, epoch=1, artifacts=refs(*node.outputs), error=error))

    @precondition(lambda self: self.plan.gates_by_topic)
    @rule(data=st.data())
    def gate_event_comes(self, data: Any) -> None:
        """The event of any gate comes: early, in time, again or late."""
        gates = [node for node in self.plan.nodes if isinstance(node, GateNode)]
        gate = data.draw(st.sampled_from(gates))
        self._hear(spoke(gate.event_topic, name=gate.name, artifacts=refs(*gate.outputs)))

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

    @precondition(lambda self: self.heard)
    @rule(data=st.data())
    def event_comes_again(self, data: Any) -> None:
        """What was heard before is delivered again: nothing changes."""
        before = self.state
        self._tell(data.draw(st.sampled_from(self.heard)))
        assert self.state is before

    @invariant()
    def job_has_ended_or_waits(self) -> None:
        """No job is stuck: it has ended, or somebody owes it an answer."""
        assert self.state.ended or any(node.status in OPEN for node in self.state.nodes.values())

    @invariant()
    def each_waiting_gate_has_its_timer(self) -> None:
        """The timers in the ledger are those of the waiting gates, and no others."""
        waiting = [] if self.state.ended else self._nodes(NodeStatus.WAITING)
        assert {name: self.state.node(name).deadline for name in waiting} == self.timers

    @invariant()
    def the_end_was_told_once(self) -> None:
        """A job that has ended has said so, once."""
        assert int(self.state.status is not JobStatus.RUNNING) == self.endings

    def _nodes(self, status: NodeStatus) -> list[str]:
        return sorted(name for name, node in self.state.nodes.items() if node.status is status)

    def _hear(self, event: Spoke) -> None:
        self.heard.append(event)
        self._tell(event)

    def _tell(self, event: Spoke | TimerFired) -> None:
        self.now += 1
        self._take(advance(self.plan, self.state, event, self.now))

    def _take(self, step: Any) -> None:
        self.state = state_after(step)
        for name in step.drop_timers:
            self.timers.pop(name, None)
        self.timers |= dict(step.set_timers)
        self.endings += sum(emit.kind in {Kind.JOB_COMPLETED, Kind.JOB_FAILED} for emit in step.emits)


JobMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestJobMachine = JobMachine.TestCase
