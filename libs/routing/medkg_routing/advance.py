"""The router's decision: ``advance(plan, state, event, now)`` says what becomes of a job and what is told to whom.

Pure: no clock, no I/O, no randomness. The life of a job, with `admit` before it and `rerun` after it:

    requested -> accepted -> each stage whose dependencies have passed is requested, each such gate waits
    stage completed, gate opened, gate expired with ``continue`` -> what depends on it starts
    stage deferred -> its timer asks for it again, in another epoch
    stage failed, gate refused, gate expired with ``fail`` -> the job fails, at once
    cancelled -> the job ends, and whatever was asked for it is void
    all that is wanted has passed -> the job is completed
"""

from medkg_contracts import topics
from medkg_contracts.data import JobEnded
from medkg_contracts.errors import ErrorInfo
from medkg_contracts.kinds import Kind
from medkg_ledger import Effects
from medkg_ledger.state import EarlyEvent, JobState, JobStatus, NodeState, NodeStatus
from medkg_topology.plan import GateNode, Plan, StageNode

from .decision import Decision, Reason, ignore, timers
from .emit import Emit, sequence, trace_of
from .inbound import Cancel, Deferred, Happening, NodeEnded, Origin, Pause, Requested, Resume, TimerFired
from .transition import Transition


def advance(plan: Plan, state: JobState, event: Happening, now: int) -> Decision:
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
            return _timer_fired(plan, state, event, now)
        case _ if event.tenant_id not in (None, state.tenant_id):
            return ignore(state, event.origin, "foreign")
        case NodeEnded():
            return _listen(plan, state, event, now)
        case Deferred():
            return _stage_deferred(plan, state, event, now)
        case Cancel() | Pause() | Resume():
            return _obey(plan, state, event, now)


def abandon(state: JobState, origin: Origin, error: ErrorInfo, now: int) -> Decision:
    """End a job that cannot go on, because nobody has the plan that it is pinned to."""
    if state.ended:
        return ignore(state, origin, "job_ended")
    now = max(now, state.updated_at)
    number = state.sequence + 1
    update = {"status": JobStatus.FAILED, "error": error, "updated_at": now, "sequence": number, "paused": False}
    data = JobEnded(error=error, duration_ms=float(now - state.created_at))
    after = state.model_copy(update=update)
    emit = Emit(
        after,
        topics.EVENTS,
        Kind.JOB_FAILED,
        data,
        sequence(number),
        origin.event_id,
        trace_of(state),
        cause_source=origin.source,
    )
    effects = Effects(timers=dict.fromkeys(timers(state)), hold=False if state.paused else None)
    return Decision(after, (emit,), effects)


def _obey(plan: Plan, state: JobState, event: Cancel | Pause | Resume, now: int) -> Decision:
    if state.ended:
        return ignore(state, event.origin, "job_ended")
    transition = Transition(plan, state, event.origin, now)
    if isinstance(event, Cancel):
        transition.cancel(event.order)
        return transition.decision()
    paused = isinstance(event, Pause)
    if state.paused is paused:
        return ignore(state, event.origin, "duplicate")
    transition.pause(event.order, paused=paused)
    return transition.decision()


def _listen(plan: Plan, state: JobState, event: NodeEnded, now: int) -> Decision:
    node = plan.by_name.get(event.stage or "")
    if isinstance(node, StageNode) and topics.done(node.service) == event.origin.topic:
        return _stage_ended(plan, state, node, event, now)
    gates = plan.gates_by_topic.get(event.origin.topic, ())
    if isinstance(node, GateNode) and node in gates:
        return _gate_spoke(plan, state, node, event, now)
    another = node is not None or event.stage in state.nodes  # of this job, on this plan or an earlier one
    if len(gates) == 1 and not another:
        return _gate_spoke(plan, state, gates[0], event, now)
    return ignore(state, event.origin, "foreign")


def _stage_ended(plan: Plan, state: JobState, node: StageNode, event: NodeEnded, now: int) -> Decision:
    reason = _unwanted(state, node.name, event.epoch)
    if reason is not None:
        return ignore(state, event.origin, reason)
    transition = Transition(plan, state, event.origin, now)
    transition.end_stage(node, event.result)
    return transition.decision()


def _stage_deferred(plan: Plan, state: JobState, event: Deferred, now: int) -> Decision:
    node = plan.by_name.get(event.stage)
    if not isinstance(node, StageNode) or topics.done(node.service) != event.origin.topic:
        return ignore(state, event.origin, "foreign")
    reason = _unwanted(state, node.name, event.epoch)
    if reason is not None:
        return ignore(state, event.origin, reason)
    transition = Transition(plan, state, event.origin, now)
    transition.defer_stage(node, event.deferral)
    return transition.decision()


def _unwanted(state: JobState, stage: str, answered: int | None) -> Reason | None:
    """Why a stage's answer changes nothing; None when it is what the job waits for."""
    current = state.node(stage)
    epoch = current.epoch if answered is None else answered
    if epoch < current.epoch:
        return "stale_epoch"
    if epoch > current.epoch or current.epoch == 0:
        return "foreign"
    if current.status not in {NodeStatus.REQUESTED, NodeStatus.PENDING}:
        return "duplicate"
    if state.ended:
        return "job_ended"
    return "stale_epoch" if current.status is NodeStatus.PENDING else None


def _gate_spoke(plan: Plan, state: JobState, gate: GateNode, event: NodeEnded, now: int) -> Decision:
    reason = _unwanted_at_gate(plan, state, gate, event)
    if reason is not None:
        return ignore(state, event.origin, reason)
    transition = Transition(plan, state, event.origin, now)
    current = state.node(gate.name)
    early = EarlyEvent(event_id=event.origin.identity, artifacts=event.result.artifacts, error=event.result.error)
    if current.status is NodeStatus.PENDING:
        transition.nodes[gate.name] = current.model_copy(update={"early": early})
    else:
        transition.open_gate(gate, early)
    return transition.decision()


def _unwanted_at_gate(plan: Plan, state: JobState, gate: GateNode, event: NodeEnded) -> Reason | None:
    """Why an outside system's event changes nothing; None when it opens the gate, now or when it is reached."""
    if gate.name not in plan.needed_for(state.until):
        return "foreign"
    current = state.node(gate.name)
    if event.epoch is not None and event.epoch < _awaited(current):
        return "stale_epoch"
    if current.status is NodeStatus.OPENED or current.early or _again(current, event):
        return "duplicate"
    if current.status in {NodeStatus.EXPIRED, NodeStatus.FAILED}:
        return "late"
    return "job_ended" if state.ended else None


def _again(gate: NodeState, event: NodeEnded) -> bool:
    """Whether the event has had its effect in an earlier run; one that names its epoch says which run it is for."""
    return event.epoch is None and event.origin.identity in (gate.opened_by, *gate.opened_before)


def _awaited(node: NodeState) -> int:
    """The epoch whose answer a gate waits for: of one that is not reached, the next; of a new one, any."""
    return node.epoch + 1 if node.epoch and node.status is NodeStatus.PENDING else node.epoch


def _timer_fired(plan: Plan, state: JobState, event: TimerFired, now: int) -> Decision:
    due = timers(state).get(event.node)
    node = plan.by_name.get(event.node)
    if due is None or node is None:
        return Decision(state, effects=Effects(timers={event.node: None}))
    if now < due:  # a clock that runs ahead fired it
        return Decision(state, effects=Effects(timers={event.node: due}))
    transition = Transition(plan, state, event.origin, now)
    if isinstance(node, GateNode):
        transition.expire_gate(node)
    else:
        transition.retry_stage(node)
    return transition.decision()
