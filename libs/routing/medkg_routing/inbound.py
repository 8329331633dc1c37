"""What the router hears: the events that can change a job, read from CloudEvents."""

from dataclasses import dataclass

from medkg_contracts import topics
from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.data import RequestOrRef, StageResult, TimerDue
from medkg_contracts.errors import InvalidRequest, PoisonRecord
from medkg_contracts.events import read_data
from medkg_contracts.ids import job_id as derived_job_id
from medkg_contracts.kinds import TYPE_PREFIX, Kind, kind_of
from medkg_contracts.model import Identifier, TenantId
from medkg_contracts.requests import DEFAULT_TENANT
from medkg_contracts.requests import read_request as read_request_data
from pydantic import TypeAdapter, ValidationError

_IDENTIFIER = TypeAdapter(Identifier)
_TENANT = TypeAdapter(TenantId)


@dataclass(frozen=True, slots=True)
class Origin:
    """Which event it was, for causation and for telling what was ignored."""

    event_id: str
    type: str
    topic: str
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Requested:
    """Somebody asks for a job; `request` is None when it cannot be read, which leads to a rejection."""

    origin: Origin
    job_id: str
    tenant_id: str
    correlation_id: str
    request: RequestOrRef | None
    doc_id: str
    is_batch: bool
    until: str | None
    skip_completed: bool
    batch_id: str | None


@dataclass(frozen=True, slots=True)
class Spoke:
    """A stage service or an outside system says that something ended.

    Attributes:
        stage: the node that it names, if any.
        epoch: the run that it answers; None when the sender does not know epochs.
        tenant_id: None when the sender names none.
    """

    origin: Origin
    job_id: str
    stage: str | None
    epoch: int | None
    tenant_id: str | None
    result: StageResult


@dataclass(frozen=True, slots=True)
class TimerFired:
    """The durable timer of a job's gate is due."""

    origin: Origin
    job_id: str
    node: str


@dataclass(frozen=True, slots=True)
class Reload:
    """An operator asks the router to read the topologies again."""

    origin: Origin


Inbound = Requested | Spoke | TimerFired | Reload


def read(topic: str, event: CloudEvent) -> Inbound | None:
    """What the event means to the router; None for a control event that concerns others.

    Raises:
        PoisonRecord: an attribute or the data are not what this topic carries.
        InvalidRequest: a job request whose data break the contract.
    """
    if topic == topics.REQUESTS:
        return _requested(topic, event)
    if topic == topics.CONTROL:
        return _control(topic, event)
    return _spoke(topic, event)


def requested_job_id(event: CloudEvent) -> str:
    """The id of the job that a request event asks for: its own ``jobid``, or one derived from the event.

    Raises:
        InvalidRequest: the id has characters that an id cannot have.
    """
    given = event.extensions.get("jobid")
    return derived_job_id(event.source, event.id) if given is None else _checked(_IDENTIFIER, "jobid", given)


def unreadable(topic: str, event: CloudEvent) -> Requested:
    """A request whose data break the contract, as far as it can be told whose it is."""
    try:
        job_id = requested_job_id(event)
    except InvalidRequest:
        job_id = derived_job_id(event.source, event.id)
    tenant = event.extensions.get("tenantid", DEFAULT_TENANT)
    try:
        _TENANT.validate_python(tenant)
    except ValidationError:
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


def _requested(topic: str, event: CloudEvent) -> Requested:
    kind = kind_of(event)
    if kind is not Kind.JOB_REQUESTED:
        raise PoisonRecord(f"{topic} carries {Kind.JOB_REQUESTED.type}, not {event.type!r}")
    job_id = requested_job_id(event)
    request = read_request_data(event)
    return Requested(
        origin=_origin(topic, event),
        job_id=job_id,
        tenant_id=_checked(_TENANT, "tenantid", event.extensions.get("tenantid", DEFAULT_TENANT)),
        correlation_id=event.extensions.get("correlationid") or request.batch_id or job_id,
        request=request,
        doc_id=request.doc_id,
        is_batch=request.is_batch,
        until=None if request.is_batch else request.until,
        skip_completed=request.skip_completed,
        batch_id=request.batch_id,
    )


def _control(topic: str, event: CloudEvent) -> Inbound | None:
    match kind_of(event):
        case Kind.TIMER_DUE:
            return TimerFired(_origin(topic, event), _job_id(event), read_data(event, TimerDue).node)
        case Kind.CONTROL_RELOAD:
            return Reload(_origin(topic, event))
    return None


def _spoke(topic: str, event: CloudEvent) -> Spoke:
    epoch = event.extensions.get("epoch")
    if epoch is not None and not (epoch.isascii() and epoch.isdigit() and len(epoch) <= 9):
        raise PoisonRecord(f"attribute 'epoch' is {epoch!r}, not a whole number")
    return Spoke(
        origin=_origin(topic, event),
        job_id=_job_id(event),
        stage=event.extensions.get("stage"),
        epoch=None if epoch is None else int(epoch),
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


def _checked(adapter: TypeAdapter[str], name: str, value: str) -> str:
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        raise InvalidRequest(f"{name}: {value[:200]!r} has characters or a length that it cannot have") from error


def _origin(topic: str, event: CloudEvent) -> Origin:
    return Origin(event.id, event.type, topic, event.extensions.get("traceparent"))
