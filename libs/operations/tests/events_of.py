"""Lifecycle events for the command's tests."""

from datetime import UTC, datetime

from medkg_contracts.artifacts import ArtifactRef
from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.data import Ignored, JobEnded, RecordRefused, StageResult, StageStarted
from medkg_contracts.errors import JobIdTaken, SourceRefused
from medkg_contracts.events import make_event
from medkg_contracts.kinds import Kind
from medkg_contracts.model import Contract

TIME = datetime(2026, 11, 21, 8, 0, 0, 250_000, tzinfo=UTC)
REFUSED = SourceRefused("there is no study").info


def event(
    kind: Kind, job: str = "j-1", stage: str | None = None, data: Contract | None = None, **more: str
) -> CloudEvent:
    """An event about a job, with an id of its own for each kind, job and stage."""
    extensions = {"tenantid": "public", "correlationid": job, "stage": stage, **more}
    identity = f"{kind}-{job}-{stage}"
    return make_event(
        kind, id=identity, source="/test", time=TIME, data=data, job_id=job, subject="ctgov:NCT05814159",
        extensions=extensions,
    )  # fmt: skip


def started(job: str = "j-1", stage: str = "parse") -> CloudEvent:
    return event(Kind.STAGE_STARTED, job, stage, StageStarted(worker="host:1"))


def completed(
    job: str = "j-1", stage: str = "parse", duration_ms: float = 10.0, waited_ms: float = 4.0, **artifacts: object
) -> CloudEvent:
    refs = {
        name: ArtifactRef.model_validate({"name": name, "sha256": "0" * 64, "size": 30, "value": value})
        for name, value in artifacts.items()
    }
    return event(
        Kind.STAGE_COMPLETED, job, stage, StageResult(artifacts=refs, duration_ms=duration_ms, waited_ms=waited_ms)
    )


def failed(job: str = "j-1", stage: str = "parse") -> CloudEvent:
    return event(Kind.STAGE_FAILED, job, stage, StageResult(error=REFUSED, duration_ms=5.0))


def job_completed(job: str = "j-1", **more: str) -> CloudEvent:
    return event(Kind.JOB_COMPLETED, job, None, JobEnded(duration_ms=1500.0), **more)


def job_failed(job: str = "j-1") -> CloudEvent:
    return event(Kind.JOB_FAILED, job, None, JobEnded(stage="parse", error=REFUSED))


def taken(job: str = "j-1", **more: str) -> CloudEvent:
    error = JobIdTaken("jobid: it is the id of another job").info
    data = RecordRefused(topic="jobs.requests.v1", partition=0, offset=1, dlq="router.dlq.v1", error=error)
    return event(Kind.RECORD_REFUSED, job, None, data, **more)


def ignored(job: str = "j-1") -> CloudEvent:
    data = Ignored(reason="duplicate", type=Kind.JOB_REQUESTED.type, topic="jobs.requests.v1", event_id="e")
    return event(Kind.EVENT_IGNORED, job, None, data)
