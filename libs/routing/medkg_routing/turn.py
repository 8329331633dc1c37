"""One decision in the making: what `advance` changes of a job, and what it will say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from medkg_contracts import topics
from medkg_contracts.artifacts import ArtifactRef
from medkg_contracts.data import GateNotice, Ignored, JobEnded, StageRequest, StageResult
from medkg_contracts.errors import ErrorInfo, GateExpired, GateRefused, TopologyInvalid
from medkg_contracts.ids import digest
from medkg_contracts.kinds import Kind
from medkg_contracts.model import Contract
from medkg_contracts.policy import Policy
from medkg_ledger.state import OPEN, PASSED, EarlyEvent, JobState, JobStatus, NodeState, NodeStatus
from medkg_topology.plan import GateNode, Plan, StageNode

from .inbound import Origin

#: The outside system whose done topic is the PDF gate.
MINERU_DONE = topics.done("mineru")


@dataclass(frozen=True, slots=True)
class Emit:
    """An event that the router sends.

    Attributes:
        node: the stage or gate that it is about; None for the job itself.
        sequence: position among the job's events; zero-padded, so that it sorts as text.
        cause: id of the event that led to it.
        expires: when its answer is of no more use, milliseconds since 1970; None for never.
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


@dataclass(frozen=True, slots=True)
class Step:
    """What `advance` decided.

    Attributes:
        state: the job's state afterwards; the same object when nothing changed.
        emits: events to send once the state is saved, in this order.
        set_timers: gates and when they expire, milliseconds since 1970.
        drop_timers: gates whose timer is over.
        ignored: why the event changed nothing; None when it did.
    """

    state: JobState | None
    emits: Sequence[Emit] = ()
    set_timers: Sequence[tuple[str, int]] = ()
    drop_timers: Sequence[str] = ()
    ignored: Ignored | None = None


class Turn:
    """One decision in the making: the job's parts as they change, and what is to be sent."""

    def __init__(self, plan: Plan, state: JobState, origin: Origin, now: int) -> None:
        self.plan = plan
        self.state = state
        self.now = max(now, state.updated_at)
        self.cause = origin.event_id
        self.traceparent = origin.traceparent or trace_of(state)
        self.nodes = dict(state.nodes)
        self.artifacts = dict(state.artifacts)
        self.changes: dict[str, Any] = {}
        self.emits: list[Emit] = []
        self.set_timers: list[tuple[str, int]] = []
        self.drop_timers: list[str] = []
        self.needed = plan.needed_for(state.until)

    def emit(
        self, topic: str, kind: Kind, data: Contract | None, node: str | None = None, expires: int | None = None
    ) -> None:
        """Say this, after what has been said."""
        epoch = self.nodes[node].epoch if node is not None else 0
        number = sequence(self.state.sequence + len(self.emits) + 1)
        self.emits.append(Emit(topic, kind, data, number, self.cause, self.traceparent, node, epoch, expires))

    def start_ready(self, nodes: Sequence[StageNode | GateNode]) -> None:
        """Start each of these nodes that is wanted and whose dependencies have passed; end the job when all have."""
        for node in nodes:
            if "status" in self.changes:
                return
            if node.name not in self.needed or self._status(node.name) is not NodeStatus.PENDING:
                continue
            if all(self._status(name) in PASSED for name in node.depends_on):
                if isinstance(node, StageNode):
                    self._request_stage(node)
                else:
                    self._reach_gate(node)
        if "status" not in self.changes and all(self._status(name) in PASSED for name in self.needed):
            self._end_job(JobStatus.COMPLETED, Kind.JOB_COMPLETED)

    def end_stage(self, node: StageNode, result: StageResult) -> None:
        """Apply a stage's result."""
        error = result.error or _missing_output(node, result)
        self._end_node(
            node.name,
            NodeStatus.COMPLETED if error is None else NodeStatus.FAILED,
            retries=result.retries,
            skipped=result.skipped,
        )
        if result.retries:
            retries = {**self.state.retry_count_per_stage, node.name: result.retries}
            self.changes["retry_count_per_stage"] = retries
        if error is not None:
            self._fail(node.name, error)
            return
        self._take(node, result.artifacts)
        self.start_ready(self.plan.dependents[node.name])

    def open_gate(self, gate: GateNode, event: EarlyEvent, *, early: bool = False) -> None:
        """Apply the event that a gate has waited for; `early` when it had come before the gate was reached."""
        if gate.name in dict(self.set_timers):
            self.set_timers = [timer for timer in self.set_timers if timer[0] != gate.name]
        elif not early:
            self.drop_timers.append(gate.name)
        refusal = _refusal(gate, event)
        if refusal is not None:
            self._end_node(gate.name, NodeStatus.FAILED, opened_by=event.event_id)
            self._fail(gate.name, refusal.info)
            return
        self._end_node(gate.name, NodeStatus.OPENED, opened_by=event.event_id, early=None)
        self._take(gate, event.artifacts)
        self.emit(topics.EVENTS, Kind.GATE_OPENED, GateNotice(topic=gate.event_topic, early=early), gate.name)
        self.start_ready(self.plan.dependents[gate.name])

    def expire_gate(self, gate: GateNode) -> None:
        """Apply that a gate's deadline has passed."""
        fails = gate.on_timeout == "fail"
        self._end_node(gate.name, NodeStatus.FAILED if fails else NodeStatus.EXPIRED)
        self.drop_timers.append(gate.name)
        self.emit(topics.EVENTS, Kind.GATE_EXPIRED, GateNotice(topic=gate.event_topic), gate.name)
        if fails:
            error = GateExpired(f"nothing came on {gate.event_topic} within {gate.deadline_s:g} s")
            self._fail(gate.name, error.info)
        else:
            self.start_ready(self.plan.dependents[gate.name])

    def step(self) -> Step:
        """What was decided."""
        update = {
            **self.changes,
            "nodes": self.nodes,
            "artifacts": self.artifacts,
            "updated_at": self.now,
            "sequence": self.state.sequence + len(self.emits),
            "current_stage": self._current_stage(),
            **self._pdf_flags(),
        }
        state = self.state.model_copy(update=update)
        return Step(state, self.emits, self.set_timers, self.drop_timers)

    def _request_stage(self, node: StageNode) -> None:
        self._begin_node(node.name, NodeStatus.REQUESTED)
        self._ask(topics.queue(node.service), node, node.policy)

    def _reach_gate(self, gate: GateNode) -> None:
        early = self.state.node(gate.name).early
        deadline = self.now + round(gate.deadline_s * 1000)
        self._begin_node(gate.name, NodeStatus.WAITING, deadline=deadline)
        if early is not None:
            self.open_gate(gate, early, early=True)
            return
        if gate.request_topic is not None:
            self._ask(gate.request_topic, gate, Policy(), expires=deadline)
        self.set_timers.append((gate.name, deadline))
        until = datetime.fromtimestamp(deadline / 1000, UTC)
        self.emit(topics.EVENTS, Kind.GATE_WAITING, GateNotice(topic=gate.event_topic, deadline=until), gate.name)

    def _ask(self, topic: str, node: StageNode | GateNode, policy: Policy, *, expires: int | None = None) -> None:
        inputs = {name: self.artifacts[name] for name in node.inputs if name in self.artifacts}
        data = StageRequest.model_construct(request=self.state.request, inputs=inputs, policy=policy)  # type: ignore[arg-type]  # a job that runs has a request
        self.emit(topic, Kind.STAGE_REQUESTED, data, node.name, expires)

    def _take(self, node: StageNode | GateNode, artifacts: Mapping[str, ArtifactRef]) -> None:
        """Keep what the topology says that the node makes: no node can replace another's artifact."""
        self.artifacts.update((name, artifacts[name]) for name in node.outputs)

    def _begin_node(self, name: str, status: NodeStatus, **fields: Any) -> None:  # noqa: ANN401 - NodeState's fields
        epoch = self._node(name).epoch + 1
        self.nodes[name] = NodeState(status=status, epoch=epoch, started_at=self.now, **fields)

    def _end_node(self, name: str, status: NodeStatus, **fields: Any) -> None:  # noqa: ANN401 - NodeState's fields
        update = {"status": status, "ended_at": self.now, **fields}
        self.nodes[name] = self._node(name).model_copy(update=update)

    def _fail(self, node: str, error: ErrorInfo) -> None:
        self.changes |= {"error": error, "failed_stage": node}
        self._end_job(JobStatus.FAILED, Kind.JOB_FAILED, stage=node, error=error)

    def _end_job(
        self, status: JobStatus, kind: Kind, *, stage: str | None = None, error: ErrorInfo | None = None
    ) -> None:
        self.changes["status"] = status
        waiting = [name for name, node in self.nodes.items() if node.status is NodeStatus.WAITING]
        self.drop_timers += [name for name in waiting if name not in dict(self.set_timers)]
        self.set_timers = []
        duration = float(self.now - self.state.created_at)
        self.emit(topics.EVENTS, kind, JobEnded(stage=stage, error=error, duration_ms=duration))

    def _node(self, name: str) -> NodeState:
        return self.nodes.get(name) or self.state.node(name)

    def _status(self, name: str) -> NodeStatus:
        return self._node(name).status

    def _current_stage(self) -> str | None:
        started = [name for name, node in self.nodes.items() if node.epoch]
        waiting = [name for name in started if self.nodes[name].status in OPEN]
        candidates = waiting or started
        return candidates[-1] if candidates else None

    def _pdf_flags(self) -> dict[str, bool]:
        gates = self.plan.gates_by_topic.get(MINERU_DONE, ())
        if not gates:
            return {}
        passed = {gate.name for gate in gates if self._status(gate.name) is NodeStatus.OPENED}
        after = [node.name for node in self.plan.nodes if passed & set(node.depends_on)]
        return {
            "pdf_downloaded": "pdf" in self.artifacts,
            "pdf_ir_ready": bool(passed),
            "post_pdf_started": any(self._node(name).epoch for name in after),
        }


def _missing_output(node: StageNode, result: StageResult) -> ErrorInfo | None:
    missing = [name for name in node.outputs if name not in result.artifacts]
    if not missing:
        return None
    message = f"{node.name} completed without {', '.join(missing)}, which the topology says it makes"
    return TopologyInvalid(message, remedy="Correct the stage's outputs or the topology's.").info


def _refusal(gate: GateNode, event: EarlyEvent) -> GateRefused | None:
    """Why the event does not open the gate: a failure, or what it should bring is not in it."""
    if event.error is not None:
        return GateRefused(f"{gate.event_topic} answered: {event.error.message}", remedy=event.error.remedy)
    missing = [name for name in gate.outputs if name not in event.artifacts]
    if not missing:
        return None
    message = f"{gate.event_topic} answered without {', '.join(missing)}, which the topology says it brings"
    return GateRefused(message, remedy="Correct the outside system's event or the gate's outputs.")


def sequence(number: int) -> str:
    """The position as text that sorts: eight digits."""
    return f"{number:08d}"


def trace_of(state: JobState) -> str:
    """The job's own W3C trace context; derived from its id when the request brought none."""
    if state.traceparent is not None:
        return state.traceparent
    trace = digest("trace", state.job_id)
    return f"00-{trace[:32]}-{trace[32:48]}-01"
