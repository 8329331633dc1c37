"""The events with which a stage service tells the story of a unit of work."""

from datetime import UTC, datetime

from medkg_bus.instance import INSTANCE
from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.data import BreakerNotice, StageDropped, StageResult, StageRetrying, StageStarted
from medkg_contracts.errors import ErrorInfo, MedkgError
from medkg_contracts.events import make_event
from medkg_contracts.ids import batch_item_id, digest, event_id
from medkg_contracts.kinds import Kind
from medkg_contracts.model import Contract
from medkg_contracts.policy import Policy
from medkg_contracts.requests import JobRequest
from medkg_servicekit.tracing import child_of

from .guard import BreakerState, Verdict
from .work import Outcome, Work


def source_of(service: str) -> str:
    """The CloudEvents `source` of a stage service."""
    return f"/medkg/stages/{service}"


def started(service: str, work: Work) -> CloudEvent:
    """The work begins."""
    data = StageStarted(worker=INSTANCE)
    return _about(service, work, Kind.STAGE_STARTED, data, position=1, attempt=work.tried + 1)


def retrying(service: str, work: Work, retry: int, error: MedkgError, wait_s: float) -> CloudEvent:
    """The work will be tried again; `retry` counts from 1."""
    data = StageRetrying(error=error.info, wait_s=round(wait_s, 3))
    return _about(service, work, Kind.STAGE_RETRYING, data, position=1 + retry, attempt=work.tried + 1 + retry)


def answer(service: str, outcome: Outcome) -> CloudEvent:
    """What the router is told: the work has ended, well or not, or its next attempt is the router's to time."""
    work = outcome.work
    if outcome.deferral is not None:
        return _last(service, outcome, Kind.STAGE_DEFERRED, outcome.deferral)
    data = StageResult(
        artifacts=outcome.artifacts,
        error=outcome.error.info if outcome.error else None,
        retries=outcome.retries,
        duration_ms=outcome.duration_ms,
        waited_ms=work.waited_ms,
        skipped=outcome.skipped,
        doc_id=outcome.doc_id,
        worker=INSTANCE,
    )
    return _last(service, outcome, Kind.STAGE_FAILED if outcome.error else Kind.STAGE_COMPLETED, data)


def dropped(service: str, outcome: Outcome) -> CloudEvent:
    """The work's job was cancelled; nobody is asked for anything."""
    return _last(service, outcome, Kind.STAGE_DROPPED, StageDropped(reason="cancelled", worker=INSTANCE))


def breaker_turned(service: str, policy: Policy, verdict: Verdict, error: MedkgError | None) -> CloudEvent:
    """A breaker of all replicas of the service has opened, or closed again."""
    is_closed = verdict.state is BreakerState.CLOSED
    kind = Kind.BREAKER_CLOSED if is_closed else Kind.BREAKER_OPENED
    reset_s = 0.0 if is_closed or policy.breaker is None else policy.breaker.reset_s
    info = None if is_closed or error is None else error.info
    return make_event(
        kind,
        id=digest(service, policy.name, kind, verdict.turned_ms or 0)[:32],
        source=source_of(service),
        time=datetime.now(UTC),
        data=BreakerNotice(service=service, policy=policy.name, reset_s=reset_s, error=info, worker=INSTANCE),
        job_id=f"stage:{service}",
        subject=service,
    )


def unreadable(service: str, asked: CloudEvent, error: ErrorInfo) -> CloudEvent | None:
    """The work that `asked` wanted cannot be read, so that it failed; None when it does not say whose it was."""
    wanted = asked.extensions
    job_id, node, epoch = wanted.get("jobid"), wanted.get("stage"), wanted.get("epoch", "")
    if not job_id or not node or not epoch.isdecimal():
        return None
    return make_event(
        Kind.STAGE_FAILED,
        id=event_id(job_id, node, int(epoch), 0, Kind.STAGE_FAILED),
        source=source_of(service),
        time=datetime.now(UTC),
        data=StageResult(error=error, worker=INSTANCE),
        job_id=job_id,
        extensions={name: wanted.get(name) for name in ("tenantid", "correlationid", "topology", "stage", "epoch")},
    )


def item_requested(service: str, work: Work, request: JobRequest) -> CloudEvent:
    """A batch's item as a job request; its id makes a repeat harmless."""
    batch_id = work.ctx.job_id
    item = request.model_copy(update={"batch_id": batch_id})
    job_id = batch_item_id(batch_id, item.doc_id)
    return make_event(
        Kind.JOB_REQUESTED,
        id=job_id,
        source=source_of(service),
        time=datetime.now(UTC),
        data=item,
        job_id=job_id,
        subject=item.doc_id,
        extensions={
            "tenantid": work.ctx.tenant_id,
            "correlationid": work.ctx.correlation_id,
            "causationid": work.cause,
        },
    )


def _last(service: str, outcome: Outcome, kind: Kind, data: Contract) -> CloudEvent:
    # An epoch ends once: whichever attempt of whichever replica says so, it is the same event.
    identity = event_id(outcome.work.ctx.job_id, outcome.work.node, outcome.work.ctx.epoch, 0, kind)
    position, attempt = outcome.retries + 2, outcome.attempt
    return _about(service, outcome.work, kind, data, position=position, attempt=attempt, identity=identity)


def _about(
    service: str,
    work: Work,
    kind: Kind,
    data: Contract,
    *,
    position: int,
    attempt: int,
    identity: str | None = None,
) -> CloudEvent:
    ctx = work.ctx
    identity = identity or event_id(ctx.job_id, work.node, ctx.epoch, attempt, kind)
    return make_event(
        kind,
        id=identity,
        source=source_of(service),
        time=datetime.now(UTC),
        data=data,
        job_id=ctx.job_id,
        subject=ctx.doc_id,
        extensions={
            "tenantid": ctx.tenant_id,
            "correlationid": ctx.correlation_id,
            "causationid": work.cause,
            "traceparent": child_of(work.traceparent, identity),
            "topology": work.topology,
            "stage": work.node,
            "epoch": str(ctx.epoch),
            "attempt": str(attempt),
            "sequence": f"{work.sequence}.{position:03d}",
        },
    )
