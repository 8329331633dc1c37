"""How a job begins: a request is accepted on a plan, or rejected with the reason. A rejected job may begin again."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any, Final

from medkg_contracts import topics
from medkg_contracts.artifacts import ArtifactRef
from medkg_contracts.data import JobEnded
from medkg_contracts.errors import ErrorInfo, InvalidRequest, JobIdTaken
from medkg_contracts.kinds import Kind
from medkg_contracts.model import Contract
from medkg_contracts.requests import JobRequest
from medkg_ledger.state import JobState, JobStatus
from medkg_topology.plan import Plan

from .decision import Decision
from .emit import Emit, sequence, trace_of
from .inbound import Requested
from .transition import Transition

#: The topology that every batch takes, and nothing else.
BATCH: Final = "batch"

#: The newest plan by a topology's name, or by the source when there is none.
Resolve = Callable[[str | None, str], Plan]


def newest_plan(request: JobRequest, resolve: Resolve) -> Plan:
    """The newest plan for a new job; what is asked of a batch's items is checked here, once for all of them.

    Raises:
        InvalidRequest: it asks for a stage that the topology does not have, or names the topology of batches.
        TopologyUnknown: as `resolve` does, of a batch's items too.
        TopologyInvalid: likewise.
    """
    if request.topology == BATCH:
        raise InvalidRequest(f"topology: {BATCH!r} is that of batches alone; name the one that the items are to take")
    plan = resolve(request.topology, request.source)
    _check_until(plan, request.until)
    return resolve(BATCH, request.source) if request.is_batch else plan


def check_own(state: JobState, event: Requested) -> None:
    """Check that a request is about the job that has its id: that it has asked for it, or may correct what did.

    Raises:
        JobIdTaken: it is another tenant's, or asks for something else than the job was accepted for.
    """
    unread = state.status is JobStatus.REJECTED and state.request is None  # so nobody knows whose it was
    same_tenant = state.tenant_id == event.tenant_id
    if unread or (same_tenant and (state.status is JobStatus.REJECTED or _asks_the_same(state, event))):
        return
    raise JobIdTaken(f"jobid: {event.job_id} is the id of another job")


def _asks_the_same(state: JobState, event: Requested) -> bool:
    item = state.request.doc_id if isinstance(state.request, JobRequest) else None
    if event.batch_id is not None and (state.batch_id, item) == (event.batch_id, event.doc_id):
        return True  # an item of a batch; a later version of expand may say more of it than the one that began
    if isinstance(state.request, ArtifactRef) and isinstance(event.request, JobRequest):
        return state.request.sha256 == sha256(event.request.canonical).hexdigest()
    return state.request == event.request


def admit(plan: Plan, event: Requested, now: int, *, accepted: Contract, after: JobState | None = None) -> Decision:
    """Start the job that `event` asks for on this plan.

    Args:
        plan: that the job is pinned to.
        event: the request.
        now: its time, milliseconds since 1970.
        accepted: the data of ``job.accepted``.
        after: the job as an earlier rejection left it.

    Raises:
        InvalidRequest: it asks for a stage that the plan does not have.
    """
    _check_until(plan, event.until)
    state = _new_state(event, now, after, pipeline_name=plan.name, pipeline_version=plan.digest)
    transition = Transition(plan, state, event.origin, now)
    transition.emit(topics.EVENTS, Kind.JOB_ACCEPTED, accepted)
    transition.start_ready([node for node in plan.nodes if not node.depends_on])
    return transition.decision()


def reject(event: Requested, error: ErrorInfo, now: int, *, after: JobState | None = None) -> Decision:
    """Refuse the job that `event` asks for, so that its reason can be read; `after` as in `admit`."""
    state = _new_state(event, now, after, status=JobStatus.REJECTED, error=error)
    state = state.model_copy(update={"sequence": state.sequence + 1})
    number = sequence(state.sequence)
    emit = Emit(
        state,
        topics.EVENTS,
        Kind.JOB_REJECTED,
        JobEnded(error=error),
        number,
        event.origin.event_id,
        trace_of(state),
        cause_source=event.origin.source,
    )
    return Decision(state, (emit,))


def _new_state(event: Requested, now: int, after: JobState | None, **fields: Any) -> JobState:  # noqa: ANN401 - JobState's fields
    began = now if after is None else max(now, after.updated_at)
    return JobState(
        job_id=event.job_id,
        tenant_id=event.tenant_id,
        doc_id=event.doc_id,
        correlation_id=event.correlation_id,
        traceparent=event.origin.traceparent,
        batch_id=event.batch_id,
        until=event.until,
        skip_completed=event.skip_completed,
        priority=event.priority,
        run=0 if after is None else after.run + 1,
        request=event.request,
        created_at=began,
        updated_at=began,
        sequence=0 if after is None else after.sequence,
        **fields,
    )


def _check_until(plan: Plan, until: str | None) -> None:
    if until is not None and until not in plan.by_name:
        raise InvalidRequest(f"until: {plan.name!r} has no stage {until!r}; it has {', '.join(plan.by_name)}")
