"""The events with which a stage service tells the story of a unit of work."""

import os
import socket
from datetime import UTC, datetime

from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.data import StageResult, StageRetrying, StageStarted, TimerDue
from medkg_contracts.errors import ErrorInfo, MedkgError
from medkg_contracts.events import make_event
from medkg_contracts.ids import batch_item_id, digest, event_id
from medkg_contracts.kinds import Kind
from medkg_contracts.model import Contract
from medkg_contracts.requests import JobRequest

from .tracing import child_of
from .work import Outcome, Work

#: Which process this is, ``<host>:<pid>``.
WORKER = f"{socket.gethostname()}:{os.getpid()}"


def source_of(service: str) -> str:
    """The CloudEvents `source` of a stage service."""
    return f"/medkg/stages/{service}"


def started(service: str, work: Work) -> CloudEvent:
    """The work begins."""
    return _about(service, work, Kind.STAGE_STARTED, StageStarted(worker=WORKER), position=1, attempt=1)


def retrying(service: str, work: Work, retry: int, error: MedkgError, wait_s: float) -> CloudEvent:
    """The work will be tried again; `retry` counts from 1."""
    data = StageRetrying(error=error.info, wait_s=round(wait_s, 3))
    return _about(service, work, Kind.STAGE_RETRYING, data, position=1 + retry, attempt=1 + retry)


def ended(service: str, outcome: Outcome) -> CloudEvent:
    """The work has ended, well or not."""
    work = outcome.work
    data = StageResult(
        artifacts=outcome.artifacts,
        error=outcome.error.info if outcome.error else None,
        retries=outcome.retries,
        duration_ms=outcome.duration_ms,
        waited_ms=work.waited_ms,
        skipped=outcome.skipped,
        worker=WORKER,
    )
    kind = Kind.STAGE_FAILED if outcome.error else Kind.STAGE_COMPLETED
    return _about(service, work, kind, data, position=outcome.retries + 2, attempt=outcome.retries + 1)


def unreadable(service: str, asked: CloudEvent, error: ErrorInfo) -> CloudEvent | None:
    """The work that `asked` wanted cannot be read, so that it failed; None when it does not say whose it was."""
    wanted = asked.extensions
    job_id, node, epoch = wanted.get("jobid"), wanted.get("stage"), wanted.get("epoch", "")
    if not job_id or not node or not epoch.isdecimal():
        return None
    return make_event(
        Kind.STAGE_FAILED,
        id=event_id(job_id, node, int(epoch), 1, Kind.STAGE_FAILED),
        source=source_of(service),
        time=datetime.now(UTC),
        data=StageResult(error=error, worker=WORKER),
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


def timer_due(job_id: str, node: str, due: int, source: str) -> CloudEvent:
    """A gate's durable timer is due."""
    return make_event(
        Kind.TIMER_DUE,
        id=digest("timer", job_id, node, due)[:32],
        source=source,
        time=datetime.now(UTC),
        data=TimerDue(node=node),
        job_id=job_id,
    )


def _about(service: str, work: Work, kind: Kind, data: Contract, *, position: int, attempt: int) -> CloudEvent:
    ctx = work.ctx
    identity = event_id(ctx.job_id, work.node, ctx.epoch, attempt, kind)
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
