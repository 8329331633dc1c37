"""A unit of work: one stage of one job, as it was asked for; and what became of it."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from time import time

from medkg_contracts.artifacts import ArtifactRef
from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.data import StageDeferred, StageRequest
from medkg_contracts.errors import MedkgError, PoisonRecord
from medkg_contracts.events import read_data
from medkg_contracts.kinds import Kind, kind_of
from medkg_contracts.policy import Policy
from medkg_contracts.records import Record
from medkg_contracts.requests import DEFAULT_TENANT, JobRequest
from medkg_contracts.stages import StageContext
from medkg_servicekit import logs

_NEEDED = ("jobid", "stage", "epoch", "sequence")


@dataclass(frozen=True, slots=True)
class Work:
    """One stage of one job, to be done.

    Attributes:
        node: the stage's name in the topology.
        request: the job's request, or the claim check for it.
        sequence: of the event that asked for it.
        traceparent: W3C trace context of the event that asked for it.
        waited_ms: between the asking and now.
        tried: attempts that earlier epochs have used of the policy's.
        record: the Kafka record that asked for it; None in a direct run.
    """

    node: str
    ctx: StageContext
    request: JobRequest | ArtifactRef
    inputs: Mapping[str, ArtifactRef]
    policy: Policy
    sequence: str
    cause: str
    topology: str | None
    traceparent: str | None = None
    waited_ms: float = 0.0
    tried: int = 0
    record: Record | None = None


@dataclass(slots=True)
class Outcome:
    """What became of a unit of work.

    Attributes:
        error: why the last attempt failed; None when it completed.
        skipped: the artifacts are an earlier, identical run's.
        doc_id: how the source itself writes the item's id, if that is not how it was asked for.
        deferral: the next attempt is too far away to be waited for here.
        dropped: its job was cancelled; whatever was done for it counts no more.
        left: the service ended, or gave the partition back, before it was done; whoever reads its record next does it.
    """

    work: Work
    artifacts: dict[str, ArtifactRef] = field(default_factory=dict)
    error: MedkgError | None = None
    retries: int = 0
    duration_ms: float = 0.0
    skipped: bool = False
    doc_id: str | None = None
    deferral: StageDeferred | None = None
    dropped: bool = False
    left: bool = False

    @property
    def attempt(self) -> int:
        """The number of the last attempt, from 1, over all epochs."""
        return self.work.tried + self.retries + 1


def read_work(event: CloudEvent, record: Record | None = None) -> Work:
    """The work that a ``stage.requested`` event asks for.

    Raises:
        PoisonRecord: it is another event, or an attribute is missing or wrong.
    """
    if kind_of(event) is not Kind.STAGE_REQUESTED:
        raise PoisonRecord(f"a stage's queue carries {Kind.STAGE_REQUESTED.type}, not {event.type!r}")
    extensions = event.extensions
    for name in _NEEDED:
        if not extensions.get(name):
            raise PoisonRecord(f"required attribute {name!r} is missing or empty")
    for name in ("epoch", "sequence"):
        if not extensions[name].isdecimal():
            raise PoisonRecord(f"attribute {name!r} is {extensions[name]!r}, not a whole number")
    data = read_data(event, StageRequest)
    topology = extensions.get("topology")
    pipeline, _, version = (topology or "").partition("@")
    ctx = StageContext(
        tenant_id=extensions.get("tenantid", DEFAULT_TENANT),
        doc_id=event.subject or (data.request.doc_id if isinstance(data.request, JobRequest) else ""),
        job_id=extensions["jobid"],
        correlation_id=extensions.get("correlationid", extensions["jobid"]),
        pipeline=pipeline,
        digest=version,
        epoch=int(extensions["epoch"]),
        metadata=data.request.metadata if isinstance(data.request, JobRequest) else {},
        options=data.options,
    )
    return Work(
        node=extensions["stage"],
        ctx=ctx,
        request=data.request,
        inputs=data.inputs,
        policy=data.policy,
        sequence=extensions["sequence"],
        cause=event.id,
        topology=topology,
        traceparent=extensions.get("traceparent"),
        waited_ms=0.0 if event.time is None else _since(event.time),
        tried=data.tried,
        record=record,
    )


def _since(moment: datetime) -> float:
    return max(0.0, round((time() - moment.timestamp()) * 1000, 3))


def job_fields(work: Work) -> AbstractContextManager[None]:
    """Within this, every log line carries the work's job, tenant, correlation id, stage and trace."""
    values = {
        "job_id": work.ctx.job_id,
        "tenant_id": work.ctx.tenant_id,
        "correlation_id": work.ctx.correlation_id,
        "stage": work.node,
    }
    if work.traceparent is not None:
        values["trace_id"] = work.traceparent[3:35]
    return logs.fields(values)
