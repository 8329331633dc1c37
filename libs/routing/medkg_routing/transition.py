"""A job on its way from one state to the next: what changes of it, and what will be said."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from medkg_contracts import topics
from medkg_contracts.artifacts import ArtifactRef
from medkg_contracts.data import GateNotice, JobEnded, StageDeferred, StageRequest, StageResult
from medkg_contracts.errors import ErrorInfo, GateExpired, GateRefused, TopologyInvalid
from medkg_contracts.kinds import Kind
from medkg_contracts.model import Contract
from medkg_contracts.orders import Order, ScopeOrder
from medkg_ledger.state import OPEN, PASSED, EarlyEvent, JobState, JobStatus, NodeState, NodeStatus
from medkg_topology.plan import GateNode, Plan, StageNode

from .decision import Decision, between
from .emit import Emit, trace_of
from .inbound import Origin

#: So many events that have opened a gate, or started a job again, are known when they are delivered once more.
REMEMBERED = 50


class Transition:
    """A job on its way to its next state: its parts as they change, and what is to be sent.

    Branches of a job are answered on topics of their own, and are read in any order: what one answer sets is dated by
    its own time, not by what was read before it, so that a rebuild, which reads in another order, comes to the same.
    """

    def __init__(self, plan: Plan, state: JobState, origin: Origin, now: int) -> None:
        self.plan = plan
        self.state = state
        self.at = now
        self.now = max(now, state.updated_at)
        self.origin = origin
        self.traceparent = origin.traceparent or trace_of(state)
        self.nodes = dict(state.nodes)
        self.artifacts = dict(state.artifacts)
        self.changes: dict[str, Any] = {}
        self.emits: list[Emit] = []
        self.needed = plan.needed_for(state.until)

    def emit(self, topic: str, kind: Kind, data: Contract | None, node: str | None = None, **fields: Any) -> None:  # noqa: ANN401 - Emit's fields
        """Say this, after what has been said."""
        epoch = self.nodes[node].epoch if node is not None else 0
        self.emits.append(
            Emit(
                self.state, topic, kind, data, "", self.origin.event_id, self.traceparent, node, epoch,
                cause_source=self.origin.source, **fields,
            )
        )  # fmt: skip

    def start_ready(self, nodes: Sequence[StageNode | GateNode]) -> None:
        """Start each of these nodes that is wanted and whose dependencies have passed; end the job when all have."""
        for node in nodes:
            if self._ended():
                return
            if node.name not in self.needed or self._status(node.name) is not NodeStatus.PENDING:
                continue
            if all(self._status(name) in PASSED for name in node.depends_on):
                if isinstance(node, StageNode):
                    self._request_stage(node)
                else:
                    self._reach_gate(node)
        if not self._ended() and all(self._status(name) in PASSED for name in self.needed):
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
        if result.doc_id is not None:
            self.changes["doc_id"] = result.doc_id
        self.start_ready(self.plan.dependents[node.name])

    def defer_stage(self, node: StageNode, deferral: StageDeferred) -> None:
        """Let a stage wait for its next try."""
        deadline = self.at + round(deferral.wait_s * 1000)
        update = {"status": NodeStatus.DEFERRED, "deadline": deadline, "tried": deferral.tried}
        self.nodes[node.name] = self._node(node.name).model_copy(update=update)

    def retry_stage(self, node: StageNode) -> None:
        """Ask for a deferred stage again, as its next epoch."""
        self._request_stage(node, tried=self._node(node.name).tried)

    def open_gate(self, gate: GateNode, event: EarlyEvent, *, early: bool = False) -> None:
        """Apply the event that a gate has waited for; `early` when it had come before the gate was reached."""
        refusal = _refusal(gate, event)
        if refusal is not None:
            self._end_gate(gate, NodeStatus.FAILED, event)
            self._fail(gate.name, refusal.info)
            return
        self._end_gate(gate, NodeStatus.OPENED, event)
        self._take(gate, event.artifacts)
        self.emit(topics.EVENTS, Kind.GATE_OPENED, GateNotice(topic=gate.event_topic, early=early), gate.name)
        self.start_ready(self.plan.dependents[gate.name])

    def expire_gate(self, gate: GateNode) -> None:
        """Apply that a gate's deadline has passed."""
        fails = gate.on_timeout == "fail"
        self._end_node(gate.name, NodeStatus.FAILED if fails else NodeStatus.EXPIRED)
        self.emit(topics.EVENTS, Kind.GATE_EXPIRED, GateNotice(topic=gate.event_topic), gate.name)
        if fails:
            error = GateExpired(f"nothing came on {gate.event_topic} within {gate.deadline_s:g} s")
            self._fail(gate.name, error.info)
        else:
            self.start_ready(self.plan.dependents[gate.name])

    def cancel(self, order: Order) -> None:
        """End the job as an operator orders."""
        self._end_job(JobStatus.CANCELLED, Kind.JOB_CANCELLED, order=order)

    def pause(self, order: ScopeOrder, *, paused: bool) -> None:
        """Pause the job, or end its pause."""
        self.changes["paused"] = paused
        self.emit(topics.EVENTS, Kind.JOB_PAUSED if paused else Kind.JOB_RESUMED, order)

    def restart(self, again: Collection[str], said: Contract) -> None:
        """Run the job again: these nodes, and whatever else is ready.

        Args:
            again: the nodes that lose what they have done and made. A node that is not wanted loses it too.
            said: the data of ``job.restarted``.
        """
        for name, node in self.nodes.items():
            if name in again or name not in self.needed:
                self.nodes[name] = _reset(node)
        kept = {made for node in self.plan.nodes if self._status(node.name) in PASSED for made in node.outputs}
        self.artifacts = {name: ref for name, ref in self.artifacts.items() if name in kept}
        retries = {name: count for name, count in self.state.retry_count_per_stage.items() if name not in again}
        self.changes = {
            "status": JobStatus.RUNNING,
            "run": self.state.run + 1,
            "restarted_by": self.origin.identity,
            "restarted_before": _with(self.state.restarted_before, self.state.restarted_by),
            "pipeline_name": self.plan.name,
            "pipeline_version": self.plan.digest,
            "error": None,
            "failed_stage": None,
            "retry_count_per_stage": retries,
        }
        self.emit(topics.EVENTS, Kind.JOB_RESTARTED, said)
        self.start_ready(self.plan.nodes)

    def decision(self, pinned: Plan | None = None) -> Decision:
        """What was decided; `pinned` is the plan that the job was on before, if it was another one."""
        update = {
            **self.changes,
            "nodes": self.nodes,
            "artifacts": self.artifacts,
            "updated_at": self.now,
            "sequence": self.state.sequence + len(self.emits),
            "current_stage": self._current_stage(),
        }
        return between(self.state, self.state.model_copy(update=update), pinned or self.plan, self.emits)

    def _request_stage(self, node: StageNode, *, tried: int = 0) -> None:
        self._begin_node(node.name, NodeStatus.REQUESTED, tried=tried)
        data = self._work(node, policy=node.policy, options=node.options, tried=tried)
        self.emit(topics.queue(node.service), Kind.STAGE_REQUESTED, data, node.name, service=node.service)

    def _reach_gate(self, gate: GateNode) -> None:
        early = self._node(gate.name).early
        deadline = self._begins_at(gate.name) + round(gate.deadline_s * 1000)
        self._begin_node(gate.name, NodeStatus.WAITING, deadline=deadline)
        if early is not None:
            self.open_gate(gate, early, early=True)
            return
        if gate.request_topic is not None:
            self.emit(gate.request_topic, Kind.STAGE_REQUESTED, self._work(gate), gate.name, expires=deadline)
        until = datetime.fromtimestamp(deadline / 1000, UTC)
        self.emit(topics.EVENTS, Kind.GATE_WAITING, GateNotice(topic=gate.event_topic, deadline=until), gate.name)

    def _work(self, node: StageNode | GateNode, **fields: Any) -> StageRequest:  # noqa: ANN401 - StageRequest's fields
        inputs = {name: self.artifacts[name] for name in node.inputs if name in self.artifacts}
        return StageRequest.model_construct(request=self.state.request, inputs=inputs, **fields)  # type: ignore[arg-type]  # a job that runs has a request

    def _take(self, node: StageNode | GateNode, artifacts: Mapping[str, ArtifactRef]) -> None:
        """Keep what the topology says that the node makes: no node can replace another's artifact."""
        self.artifacts.update((name, artifacts[name]) for name in node.outputs)

    def _begin_node(self, name: str, status: NodeStatus, **fields: Any) -> None:  # noqa: ANN401 - NodeState's fields
        before = self._node(name)
        self.nodes.pop(name, None)  # what is started last stands last
        again = _reset(before, keeps_early=False)
        begun = self._begins_at(name)
        update = {"status": status, "epoch": before.epoch + 1, "started_at": begun, **fields}
        self.nodes[name] = again.model_copy(update=update)

    def _begins_at(self, name: str) -> int:
        """When a node starts that is started now: with the last of what it waited for."""
        return max([self.at, *(self._node(need).ended_at or 0 for need in self.plan.by_name[name].depends_on)])

    def _end_node(self, name: str, status: NodeStatus, **fields: Any) -> None:  # noqa: ANN401 - NodeState's fields
        node = self._node(name)
        update = {"status": status, "ended_at": max(self.at, node.started_at or 0), **fields}
        self.nodes[name] = node.model_copy(update=update)

    def _end_gate(self, gate: GateNode, status: NodeStatus, event: EarlyEvent) -> None:
        before = self._node(gate.name)
        opened_before = _with(before.opened_before, before.opened_by)
        self._end_node(gate.name, status, opened_by=event.event_id, opened_before=opened_before)

    def _fail(self, node: str, error: ErrorInfo) -> None:
        self.changes |= {"error": error, "failed_stage": node}
        self._end_job(JobStatus.FAILED, Kind.JOB_FAILED, stage=node, error=error)

    def _end_job(self, status: JobStatus, kind: Kind, **said: Any) -> None:  # noqa: ANN401 - JobEnded's fields
        """End the job: nobody's answer is awaited any more, nor is anything asked that was about to be."""
        self.changes |= {"status": status, "paused": False}
        withdrawn = {name for name, node in self.nodes.items() if node.status in OPEN}
        self.nodes |= {name: _reset(self.nodes[name]) for name in withdrawn}
        self.emits = [emit for emit in self.emits if emit.node not in withdrawn]
        duration = float(self.now - self.state.created_at)
        self.emit(topics.EVENTS, kind, JobEnded(duration_ms=duration, **said))

    def _ended(self) -> bool:
        return self.changes.get("status", self.state.status) is not JobStatus.RUNNING

    def _node(self, name: str) -> NodeState:
        return self.nodes.get(name) or self.state.node(name)

    def _status(self, name: str) -> NodeStatus:
        return self._node(name).status

    def _current_stage(self) -> str | None:
        started = [name for name, node in self.nodes.items() if node.epoch and name in self.plan.by_name]
        waiting = [name for name in started if self.nodes[name].status in OPEN]
        candidates = waiting or started
        return candidates[-1] if candidates else None


def _reset(node: NodeState, *, keeps_early: bool = True) -> NodeState:
    """The node as it waits for its next run: an earlier run's answer does not count for it, an early event does."""
    if node.status is NodeStatus.PENDING and keeps_early:
        return node
    return NodeState(epoch=node.epoch, opened_by=node.opened_by, opened_before=node.opened_before)


def _with(earlier: tuple[str, ...], last: str | None) -> tuple[str, ...]:
    """The events that were last heard, with this one; a bounded number of them."""
    return earlier if last is None else (*earlier, last)[-REMEMBERED:]


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
