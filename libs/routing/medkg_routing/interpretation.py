"""Reads CloudEvents: what each means to the router, and what a broken one means to the job that it is about."""

from medkg_artifacts import SYSTEM_TENANT
from medkg_contracts import topics
from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.data import StageDeferred, StageResult, TimerDue
from medkg_contracts.errors import (
    InvalidRequest,
    MedkgError,
    OrderRefused,
    PoisonRecord,
)
from medkg_contracts.events import read_data
from medkg_contracts.ids import job_id as derived_job_id
from medkg_contracts.kinds import TYPE_PREFIX, Kind, kind_of
from medkg_contracts.model import Identifier, TenantId
from medkg_contracts.orders import Order, RerunOrder, ScopeOrder
from medkg_contracts.requests import DEFAULT_TENANT
from medkg_contracts.requests import read_request as read_request_data
from pydantic import TypeAdapter, ValidationError

from .inbound import (
    Cancel,
    Deferred,
    Inbound,
    NodeEnded,
    Origin,
    Pause,
    Reload,
    Requested,
    Rerun,
    Resume,
    ScopeOrdered,
    TimerFired,
)

_IDENTIFIER = TypeAdapter(Identifier)
_TENANT = TypeAdapter(TenantId)

#: What a stage service answers with.
_ANSWERS = frozenset({Kind.STAGE_COMPLETED, Kind.STAGE_FAILED, Kind.STAGE_DEFERRED})


def read(topic: str, event: CloudEvent) -> Inbound:
    """What the event means to the router.

    Raises:
        PoisonRecord: an attribute or the data are not what this topic carries.
        InvalidRequest: a job request whose data break the contract.
    """
    if topic == topics.REQUESTS:
        return _requested(topic, event)
    if topic == topics.CONTROL:
        return _control(topic, event)
    if kind_of(event) is Kind.STAGE_DEFERRED:
        return _deferred(topic, event)
    return _spoke(topic, event)


def about(topic: str, event: CloudEvent) -> str | None:
    """The job that the event is about, or the stage or tenant, by its attributes alone; None when they name none.

    All that is about one thing has to be read in one order, so this says to which partition the event belongs.
    """
    try:
        return _job_asked_for(event) if topic == topics.REQUESTS else _job_id(event)
    except PoisonRecord:
        return None


def broken(topic: str, event: CloudEvent, error: MedkgError) -> Requested | NodeEnded | None:
    """What an event that cannot be read means to the job that it is about.

    A request whose data break the contract, or are gone, is to be rejected. A stage service that answers what nobody
    can read has failed. None where nothing waits for the event, or it does not say whose it is.

    Args:
        topic: where it was read from.
        event: as far as it can be read.
        error: why it cannot.
    """
    if topic == topics.REQUESTS:
        gone = event.data is None and "dataref" in event.extensions
        return _unreadable(topic, event) if gone or isinstance(error, InvalidRequest) else None
    if topic == topics.CONTROL or kind_of(event) not in _ANSWERS:
        return None
    stage = event.extensions.get("stage")
    try:
        job_id, epoch = _job_id(event), _epoch(event)
    except PoisonRecord:
        return None
    if stage is None or epoch is None:
        return None
    result = StageResult(error=error.info)
    return NodeEnded(_origin(topic, event), job_id, stage, epoch, event.extensions.get("tenantid"), result)


def _unreadable(topic: str, event: CloudEvent) -> Requested:
    """A request whose data break the contract, as far as it can be told whose it is."""
    job_id = _job_asked_for(event)
    try:
        tenant = _requesting_tenant(event)
    except InvalidRequest:
        tenant = DEFAULT_TENANT
    return Requested(
        origin=_origin(topic, event),
        job_id=job_id,
        tenant_id=tenant,
        correlation_id=event.extensions.get("correlationid") or job_id,
        request=None,
        doc_id=(event.subject or "unknown")[:256],
        is_batch=False,
        until=None,
        skip_completed=False,
        batch_id=None,
    )


def _job_asked_for(event: CloudEvent) -> str:
    """The id that the request gives its job, or if no job can have it, the one that follows from the event."""
    try:
        return _requested_job_id(event)
    except InvalidRequest:
        return derived_job_id(event.source, event.id)


def _requested_job_id(event: CloudEvent) -> str:
    given = event.extensions.get("jobid")
    return derived_job_id(event.source, event.id) if given is None else _checked(_IDENTIFIER, "jobid", given)


def _requested(topic: str, event: CloudEvent) -> Requested:
    kind = kind_of(event)
    if kind is not Kind.JOB_REQUESTED:
        raise PoisonRecord(f"{topic} carries {Kind.JOB_REQUESTED.type}, not {event.type!r}")
    job_id = _requested_job_id(event)
    request = read_request_data(event)
    return Requested(
        origin=_origin(topic, event),
        job_id=job_id,
        tenant_id=_requesting_tenant(event),
        correlation_id=event.extensions.get("correlationid") or request.batch_id or job_id,
        request=request,
        doc_id=request.doc_id,
        is_batch=request.is_batch,
        until=None if request.is_batch else request.until,
        skip_completed=request.skip_completed,
        batch_id=request.batch_id,
        priority=request.priority,
    )


def _requesting_tenant(event: CloudEvent) -> str:
    tenant = _checked(_TENANT, "tenantid", event.extensions.get("tenantid", DEFAULT_TENANT))
    if tenant == SYSTEM_TENANT:
        raise InvalidRequest(f"tenantid: {tenant!r} is medkg's own; name the tenant that the job is for")
    return tenant


def _control(topic: str, event: CloudEvent) -> Inbound:
    origin = _origin(topic, event)
    match kind_of(event):
        case Kind.TIMER_DUE:
            return TimerFired(origin, _job_id(event), read_data(event, TimerDue).node)
        case Kind.CONTROL_RELOAD:
            return Reload(origin)
        case Kind.CONTROL_PAUSE | Kind.CONTROL_RESUME as kind:
            return _pause(origin, event, paused=kind is Kind.CONTROL_PAUSE)
        case Kind.CONTROL_CANCEL:
            return Cancel(origin, _job_id(event), _operators_tenant(event), read_data(event, Order))
        case Kind.CONTROL_RERUN:
            return Rerun(origin, _job_id(event), _operators_tenant(event), read_data(event, RerunOrder))
    raise PoisonRecord(f"{event.type!r} is no order")


def _pause(origin: Origin, event: CloudEvent, *, paused: bool) -> Pause | Resume | ScopeOrdered:
    order = read_data(event, ScopeOrder)
    about = _job_id(event)
    if about != order.subject:
        raise PoisonRecord(f"attribute 'jobid' is {about!r}, but the data are about {order.subject!r}")
    tenant = _operators_tenant(event)
    if order.scope == "job":
        return (Pause if paused else Resume)(origin, about, tenant, order)
    if tenant is not None and (order.scope, order.name) != ("tenant", tenant):
        raise OrderRefused(f"{order.subject} is not the tenant {tenant}'s to pause or resume")
    return ScopeOrdered(origin, order, paused)


def _operators_tenant(event: CloudEvent) -> str | None:
    tenant = event.extensions.get("tenantid")
    try:
        return None if tenant is None else _TENANT.validate_python(tenant)
    except ValidationError as error:
        raise PoisonRecord(f"attribute 'tenantid' is {str(tenant)[:200]!r}, which is no tenant") from error


def _deferred(topic: str, event: CloudEvent) -> Deferred:
    stage, epoch = event.extensions.get("stage"), _epoch(event)
    if stage is None or epoch is None:
        raise PoisonRecord(f"{event.type} needs the attributes 'stage' and 'epoch'")
    deferral = read_data(event, StageDeferred)
    return Deferred(_origin(topic, event), _job_id(event), stage, epoch, event.extensions.get("tenantid"), deferral)


def _spoke(topic: str, event: CloudEvent) -> NodeEnded:
    return NodeEnded(
        origin=_origin(topic, event),
        job_id=_job_id(event),
        stage=event.extensions.get("stage"),
        epoch=_epoch(event),
        tenant_id=event.extensions.get("tenantid"),
        result=_result(event),
    )


def _result(event: CloudEvent) -> StageResult:
    match kind_of(event):
        case Kind.STAGE_COMPLETED:
            result = read_data(event, StageResult)
            if result.error is not None:
                raise PoisonRecord("a stage.completed event carries an error")
            return result
        case Kind.STAGE_FAILED:
            result = read_data(event, StageResult)
            if result.error is None:
                raise PoisonRecord("a stage.failed event carries no error")
            return result
        case None if not event.type.startswith(TYPE_PREFIX):
            return StageResult()  # an outside system's own type: that it spoke is all that is said
    raise PoisonRecord(f"{event.type!r} does not end anything")


def _job_id(event: CloudEvent) -> str:
    given = event.extensions.get("jobid")
    if given is None:
        raise PoisonRecord("required attribute 'jobid' is missing")
    try:
        return _IDENTIFIER.validate_python(given)
    except ValidationError as error:
        raise PoisonRecord(f"attribute 'jobid' is {given[:200]!r}, which is no job id") from error


def _epoch(event: CloudEvent) -> int | None:
    epoch = event.extensions.get("epoch")
    if epoch is not None and not (epoch.isascii() and epoch.isdigit() and len(epoch) <= 9):
        raise PoisonRecord(f"attribute 'epoch' is {epoch!r}, not a whole number")
    return None if epoch is None else int(epoch)


def _checked(adapter: TypeAdapter[str], name: str, value: str) -> str:
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        raise InvalidRequest(f"{name}: {value[:200]!r} has characters or a length that it cannot have") from error


def _origin(topic: str, event: CloudEvent) -> Origin:
    given = event.extensions
    return Origin(event.id, event.type, topic, given.get("traceparent"), event.source, given.get("tenantid"))
