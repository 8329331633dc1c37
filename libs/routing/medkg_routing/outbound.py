"""What the router says, as CloudEvents."""

from datetime import UTC, datetime

from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.data import TimerDue
from medkg_contracts.events import make_event
from medkg_contracts.ids import digest, event_id
from medkg_contracts.kinds import Kind
from medkg_contracts.model import TenantId
from medkg_ledger.state import JobState
from pydantic import TypeAdapter, ValidationError

from .decision import IgnoredEvent
from .emit import Emit
from .inbound import Origin

SOURCE = "/medkg/router"

_TENANT = TypeAdapter(TenantId)

#: What may be said of a job several times in one run, each time because of another order.
_OBEYED = frozenset({Kind.JOB_PAUSED, Kind.JOB_RESUMED, Kind.JOB_RESTARTED})


def to_event(emit: Emit, time: datetime) -> CloudEvent:
    """The event that `emit` stands for."""
    state = emit.job
    return make_event(
        emit.kind,
        id=_id(emit),
        source=SOURCE,
        time=time,
        data=emit.data,
        job_id=state.job_id,
        subject=state.doc_id,
        extensions={
            "tenantid": state.tenant_id,
            "correlationid": state.correlation_id,
            "causationid": emit.cause,
            "causationsource": emit.cause_source or None,
            "traceparent": emit.traceparent,
            "topology": topology_label(state),
            "stage": emit.node,
            "epoch": str(emit.epoch) if emit.node is not None else None,
            "sequence": emit.sequence,
            "expirytime": None if emit.expires is None else _rfc3339(emit.expires),
        },
    )


def ignored_event(ignored: IgnoredEvent, job_id: str, time: datetime) -> CloudEvent:
    """The lifecycle event that says that an event changed nothing, and why: to whoever sent it.

    A tenant that speaks of another's job is told of nothing but its own event.
    """
    data, origin, state = ignored.data, ignored.origin, ignored.job
    if state is not None and origin.tenant_id not in (None, state.tenant_id):
        state = None
    return make_event(
        Kind.EVENT_IGNORED,
        id=digest(job_id, origin.source, data.event_id, data.reason, data.topic)[:32],
        source=SOURCE,
        time=time,
        data=data,
        job_id=job_id,
        subject=None if state is None else state.doc_id,
        extensions={
            "tenantid": _tenant(origin) if state is None else state.tenant_id,
            "correlationid": None if state is None else state.correlation_id,
            "causationid": data.event_id,
            "causationsource": origin.source or None,
            "topology": None if state is None else topology_label(state),
        },
    )


def timer_due(job_id: str, node: str, due: int, source: str) -> CloudEvent:
    """The durable timer of a gate or of a deferred stage is due."""
    return make_event(
        Kind.TIMER_DUE,
        id=digest("timer", job_id, node, due)[:32],
        source=source,
        time=datetime.now(UTC),
        data=TimerDue(node=node),
        job_id=job_id,
    )


def _tenant(origin: Origin) -> str | None:
    """The tenant that the event names, if there can be such a one."""
    try:
        return None if origin.tenant_id is None else _TENANT.validate_python(origin.tenant_id)
    except ValidationError:
        return None


def topology_label(state: JobState) -> str | None:
    """``name@digest12`` of the plan that the job is pinned to; None for a rejected job."""
    if state.pipeline_name is None or state.pipeline_version is None:
        return None
    return f"{state.pipeline_name}@{state.pipeline_version[:12]}"


def _id(emit: Emit) -> str:
    """The same for the same thing said again; another in each of the node's epochs and in each of the job's runs."""
    state = emit.job
    if emit.node is not None:
        return event_id(state.job_id, emit.node, emit.epoch, 0, emit.kind)
    order = f"{emit.cause_source} {emit.cause}" if emit.kind in _OBEYED else ""
    return event_id(state.job_id, order, state.run, 0, emit.kind)


def _rfc3339(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat().replace("+00:00", "Z")
