"""The router's decision: ``advance(plan, state, event, now)`` says what becomes of a job and what is told to whom.

Pure: no clock, no I/O, no randomness. The life of a job is all here:

    requested -> accepted -> each stage whose dependencies have passed is requested, each such gate waits
    stage completed, gate opened, gate expired with ``continue`` -> what depends on it starts
    stage failed, gate refused, gate expired with ``fail`` -> the job fails, at once
    all that is wanted has passed -> the job is completed
"""

from typing import Any, Literal

from medkg_contracts import topics
from medkg_contracts.data import Ignored, JobEnded
from medkg_contracts.errors import ErrorInfo, InvalidRequest
from medkg_contracts.kinds import Kind
from medkg_contracts.model import Contract
from medkg_ledger.state import EarlyEvent, JobState, JobStatus, NodeState, NodeStatus
from medkg_topology.plan import GateNode, Plan, StageNode

from .inbound import Origin, Requested, Spoke, TimerFired
from .turn import Emit, Step, Turn, sequence, trace_of

Reason = Literal["duplicate", "stale_epoch", "late", "foreign", "job_ended"]


def admit(plan: Plan, event: Requested, now: int, *, accepted: Contract) -> Step:
    """Start the job that `event` asks for on this plan; `accepted` is the data of its ``job.accepted``.

    Raises:
        InvalidRequest: it asks for a stage that the plan does not have.
    """
    if event.until is not None and event.until not in plan.by_name:
        raise InvalidRequest(f"until: {plan.name!r} has no stage {event.until!r}; it has {', '.join(plan.by_name)}")
    state = _new_state(event, now, pipeline_name=plan.name, pipeline_version=plan.digest)
    turn = Turn(plan, state, event.origin, now)
    turn.emit(topics.EVENTS, Kind.JOB_ACCEPTED, accepted)
    turn.start_ready([node for node in plan.nodes if not node.depends_on])
    return turn.step()


def reject(event: Requested, error: ErrorInfo, now: int) -> Step:
    """Refuse the job that `event` asks for, so that its reason can be read."""
    state = _new_state(event, now, status=JobStatus.REJECTED, error=error, sequence=1)
    ended = JobEnded(error=error)
    emit = Emit(topics.EVENTS, Kind.JOB_REJECTED, ended, sequence(1), event.origin.event_id, trace_of(state))
    return Step(state, [emit])


def abandon(state: JobState, origin: Origin, error: ErrorInfo, now: int) -> Step:
    """End a job that cannot go on, because nobody has the plan that it is pinned to."""
    if state.ended:
        return ignore(state, origin, "job_ended")
    now = max(now, state.updated_at)
    number = state.sequence + 1
    update = {"status": JobStatus.FAILED, "error": error, "updated_at": now, "sequence": number}
    data = JobEnded(error=error, duration_ms=float(now - state.created_at))
    emit = Emit(topics.EVENTS, Kind.JOB_FAILED, data, sequence(number), origin.event_id, trace_of(state))
    return Step(state.model_copy(update=update), [emit])


def advance(plan: Plan, state: JobState, event: Requested | Spoke | TimerFired, now: int) -> Step:
    """Apply an event to a job that exists.

    Args:
        plan: the plan that the job is pinned to.
        state: the job as it is.
        event: what was heard.
        now: the time of what was heard, milliseconds since 1970.
    """
    match event:
        case Requested():
            return ignore(state, event.origin, "duplicate")
        case TimerFired():
            return _expire(plan, state, event, now)
        case Spoke() if event.tenant_id not in (None, state.tenant_id):
            return ignore(state, event.origin, "foreign")
        case Spoke():
            return _listen(plan, state, event, now)


def _listen(plan: Plan, state: JobState, event: Spoke, now: int) -> Step:
    node = plan.by_name.get(event.stage or "")
    if isinstance(node, StageNode) and topics.done(node.service) == event.origin.topic:
        return _stage_ended(plan, state, node, event, now)
    gates = plan.gates_by_topic.get(event.origin.topic, ())
    if isinstance(node, GateNode) and node in gates:
        return _gate_spoke(plan, state, node, event, now)
    if len(gates) == 1:
        return _gate_spoke(plan, state, gates[0], event, now)
    return ignore(state, event.origin, "foreign")


def _stage_ended(plan: Plan, state: JobState, node: StageNode, event: Spoke, now: int) -> Step:
    current = state.node(node.name)
    epoch = current.epoch if event.epoch is None else event.epoch
    if epoch < current.epoch:
        return ignore(state, event.origin, "stale_epoch")
    if epoch > current.epoch or current.status is NodeStatus.PENDING:
        return ignore(state, event.origin, "foreign")
    if current.status is not NodeStatus.REQUESTED:
        return ignore(state, event.origin, "duplicate")
    if state.ended:
        return ignore(state, event.origin, "job_ended")
    turn = Turn(plan, state, event.origin, now)
    turn.end_stage(node, event.result)
    return turn.step()


def _gate_spoke(plan: Plan, state: JobState, gate: GateNode, event: Spoke, now: int) -> Step:
    current = state.node(gate.name)
    if gate.name not in plan.needed_for(state.until):
        return ignore(state, event.origin, "foreign")
    if current.status is NodeStatus.OPENED or current.early is not None:
        return ignore(state, event.origin, "duplicate")
    if current.status in {NodeStatus.EXPIRED, NodeStatus.FAILED}:
        return ignore(state, event.origin, "late")
    if state.ended:
        return ignore(state, event.origin, "job_ended")
    turn = Turn(plan, state, event.origin, now)
    early = EarlyEvent(event_id=event.origin.event_id, artifacts=event.result.artifacts, error=event.result.error)
    if current.status is NodeStatus.PENDING:
        turn.nodes[gate.name] = NodeState(early=early)
    else:
        turn.open_gate(gate, early)
    return turn.step()


def _expire(plan: Plan, state: JobState, event: TimerFired, now: int) -> Step:
    gate = plan.by_name.get(event.node)
    current = state.node(event.node)
    if not isinstance(gate, GateNode) or current.status is not NodeStatus.WAITING or state.ended:
        return Step(state, drop_timers=[event.node])
    if current.deadline is not None and now < current.deadline:  # a clock that runs ahead fired it
        return Step(state, set_timers=[(event.node, current.deadline)])
    turn = Turn(plan, state, event.origin, now)
    turn.expire_gate(gate)
    return turn.step()


def ignore(state: JobState | None, origin: Origin, reason: Reason) -> Step:
    """Change nothing, and say why; `state` is None for a job that nobody knows."""
    ignored = Ignored(reason=reason, type=origin.type, topic=origin.topic, event_id=origin.event_id)
    return Step(state, ignored=ignored)


def _new_state(event: Requested, now: int, **fields: Any) -> JobState:  # noqa: ANN401 - JobState's fields
    return JobState(
        job_id=event.job_id,
        tenant_id=event.tenant_id,
        doc_id=event.doc_id,
        correlation_id=event.correlation_id,
        traceparent=event.origin.traceparent,
        batch_id=event.batch_id,
        until=event.until,
        skip_completed=event.skip_completed,
        request=event.request,
        created_at=now,
        updated_at=now,
        **fields,
    )
