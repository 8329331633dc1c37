"""What the router says, as CloudEvents."""

from datetime import UTC, datetime

from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.data import Ignored
from medkg_contracts.events import make_event
from medkg_contracts.ids import digest, event_id
from medkg_contracts.kinds import Kind
from medkg_ledger.state import JobState

from .step import Emit

SOURCE = "/medkg/router"

#: What may be said of a job several times in one run, each time because of another order.
_OBEYED = frozenset({Kind.JOB_PAUSED, Kind.JOB_RESUMED, Kind.JOB_RESTARTED})


def to_event(emit: Emit, state: JobState, time: datetime) -> CloudEvent:
    """The event that `emit` stands for; `state` is the job as the same decision left it."""
    return make_event(
        emit.kind,
        id=_id(emit, state),
        source=SOURCE,
        time=time,
        data=emit.data,
        job_id=state.job_id,
        subject=state.doc_id,
        extensions={
            "tenantid": state.tenant_id,
            "correlationid": state.correlation_id,
            "causationid": emit.cause,
            "traceparent": emit.traceparent,
            "topology": topology_label(state),
            "stage": emit.node,
            "epoch": str(emit.epoch) if emit.node is not None else None,
            "sequence": emit.sequence,
            "expirytime": None if emit.expires is None else _rfc3339(emit.expires),
        },
    )


def ignored_event(ignored: Ignored, state: JobState | None, job_id: str, time: datetime) -> CloudEvent:
    """The lifecycle event that says that an event changed nothing, and why."""
    return make_event(
        Kind.EVENT_IGNORED,
        id=digest(job_id, ignored.event_id, ignored.reason, ignored.topic)[:32],
        source=SOURCE,
        time=time,
        data=ignored,
        job_id=job_id,
        subject=None if state is None else state.doc_id,
        extensions={
            "tenantid": None if state is None else state.tenant_id,
            "correlationid": None if state is None else state.correlation_id,
            "causationid": ignored.event_id,
            "topology": None if state is None else topology_label(state),
        },
    )


def topology_label(state: JobState) -> str | None:
    """``name@digest12`` of the plan that the job is pinned to; None for a rejected job."""
    if state.pipeline_name is None or state.pipeline_version is None:
        return None
    return f"{state.pipeline_name}@{state.pipeline_version[:12]}"


def _id(emit: Emit, state: JobState) -> str:
    """The same for the same thing said again; another in each of the node's epochs and in each of the job's runs."""
    if emit.node is not None:
        return event_id(state.job_id, emit.node, emit.epoch, 0, emit.kind)
    return event_id(state.job_id, emit.cause if emit.kind in _OBEYED else "", state.run, 0, emit.kind)


def _rfc3339(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat().replace("+00:00", "Z")
