"""A job of the system before medkg, as its export has it, becomes a job of the ledger."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

import orjson
from medkg_contracts.errors import ErrorInfo, InFlightElsewhere, InvalidInput
from medkg_contracts.model import Identifier, TenantId, first_violation
from medkg_contracts.requests import DEFAULT_TENANT, JobRequest
from medkg_ledger import JobState, JobStatus
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, ValidationError

#: The topology of documents that come as PDF files, and the sources that have such.
PDF_PIPELINE: Final = "pdf-two-phase"
PDF_DATASETS: Final = frozenset({"pmc-fulltext", "unpaywall", "core"})

#: What a job runs on of which nothing tells: the topology that takes its source.
AUTO_PIPELINE: Final = "auto"

#: The old system's words; those that are None had not ended.
_STATUS: Final[dict[str, JobStatus | None]] = {
    "queued": None,
    "running": None,
    "processing": None,
    "completed": JobStatus.COMPLETED,
    "succeeded": JobStatus.COMPLETED,
    "failed": JobStatus.FAILED,
    "cancelled": JobStatus.CANCELLED,
}


def _milliseconds(value: object) -> int:
    """Milliseconds since 1970 of an RFC 3339 time (without offset: UTC) or of seconds since 1970."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        time = datetime.fromtimestamp(value, UTC)
    elif isinstance(value, str):
        time = datetime.fromisoformat(value)
    else:
        raise ValueError("neither an RFC 3339 time nor seconds since 1970")  # noqa: TRY004 - pydantic's protocol
    return round((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000)


def _moment(value: object) -> int | None:
    try:
        return None if value is None else _milliseconds(value)
    except (OverflowError, OSError) as error:
        raise ValueError("no time that a calendar has") from error


Moment = Annotated[int | None, BeforeValidator(_moment)]


class OldJob(BaseModel):
    """A record of the old ledger; fields that it has besides are left out.

    The last three are those of the old system's own migration, with its defaults.
    """

    model_config = ConfigDict(extra="ignore")

    job_id: Identifier
    tenant_id: TenantId = DEFAULT_TENANT
    dataset: str | None = None
    item: dict[str, JsonValue] = Field(default_factory=dict)
    doc_id: str | None = None
    metadata: dict[str, JsonValue] = Field(default_factory=dict)
    status: str
    created_at: Moment = None
    updated_at: Moment = None
    error: JsonValue = None
    current_stage: str | None = None
    pipeline_name: str | None = None
    retry_count_per_stage: dict[str, int] = Field(default_factory=dict)

    def pipeline(self) -> str:
        """The topology: its own, or inferred as the old system's migration did."""
        if self.pipeline_name is not None:
            return self.pipeline_name
        return PDF_PIPELINE if "pdf_url" in self.metadata or self.dataset in PDF_DATASETS else AUTO_PIPELINE

    def source_and_id(self) -> tuple[str, str]:
        """Where the document comes from, and its id there.

        Raises:
            ValueError: the record does not say.
        """
        given = self.item.get("id")
        if given is not None and self.dataset:
            return self.dataset, str(given)
        prefix, colon, rest = (self.doc_id or "").partition(":")
        if self.dataset and self.doc_id:
            return self.dataset, rest if colon and prefix == self.dataset else self.doc_id
        if prefix and rest:
            return prefix, rest
        raise ValueError("it names no document: there is neither dataset with item.id nor doc_id")


def migrated(line: bytes) -> JobState:
    """The job that a line of the export describes. A job that had not ended has failed here, and can be run again.

    Raises:
        InvalidInput: the line is no such record; the message says why.
    """
    try:
        old = OldJob.model_validate(orjson.loads(line))
        return _state(old)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"not JSON: {error}") from error
    except ValidationError as error:
        raise InvalidInput(first_violation(error)) from error
    except ValueError as error:
        raise InvalidInput(str(error)) from error


def _state(old: OldJob) -> JobState:
    if old.status not in _STATUS:
        raise ValueError(f"status: {old.status[:200]!r} is none of {', '.join(_STATUS)}")
    times = [time for time in (old.created_at, old.updated_at) if time is not None]
    if not times:
        raise ValueError("created_at: the record has no time")
    status, pipeline = _STATUS[old.status], old.pipeline()
    request = _request(old, pipeline)
    return JobState(
        job_id=old.job_id,
        tenant_id=old.tenant_id,
        doc_id=request.doc_id,
        correlation_id=old.job_id,
        pipeline_name=pipeline,
        status=status or JobStatus.FAILED,
        current_stage=old.current_stage,
        request=request,
        created_at=times[0],
        updated_at=times[-1],
        error=_error(old, status),
        retry_count_per_stage=old.retry_count_per_stage,
    )


def _request(old: OldJob, pipeline: str) -> JobRequest:
    source, item = old.source_and_id()
    return JobRequest.model_validate(
        {
            "source": source,
            "id": item,
            "topology": None if pipeline == AUTO_PIPELINE else pipeline,
            "metadata": {name: _text(value) for name, value in old.metadata.items()},
        }
    )


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _error(old: OldJob, status: JobStatus | None) -> ErrorInfo | None:
    if status is None:
        return InFlightElsewhere(f"it was {old.status} in the system that it was migrated from").info
    if status is not JobStatus.FAILED:
        return None
    told: dict[str, Any] = old.error if isinstance(old.error, dict) else {"message": old.error}
    return ErrorInfo(
        code=str(told.get("code") or "error")[:100],
        message=str(told.get("message") or "the old system gave no reason")[:2000],
        retryable=False,
        remedy=f"Run it here: `medkg job rerun {old.job_id} --latest`.",
    )
