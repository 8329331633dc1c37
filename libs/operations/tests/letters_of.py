"""Dead letters for the command's tests."""

from collections.abc import Sequence

from medkg_contracts.cloudevents import Header, to_headers
from medkg_contracts.data import StageRequest
from medkg_contracts.deadletter import DeadLetter, Letter, read_letter
from medkg_contracts.errors import ErrorInfo
from medkg_contracts.kinds import Kind
from medkg_contracts.records import Record
from medkg_contracts.requests import JobRequest

from .events_of import event

REQUEST = StageRequest(request=JobRequest(source="ctgov", id="NCT05814159"))


def asked(job: str = "j-1", stage: str = "parse", epoch: int = 1, tenant: str = "public") -> Record:
    """A record that asks for a stage's work."""
    asks = event(Kind.STAGE_REQUESTED, job, stage, REQUEST, epoch=str(epoch), tenantid=tenant, topology="trials@0")
    return Record(f"{stage}.queue.v1", 3, 41, 1_000, job.encode(), asks.data, to_headers(asks))


def buried(
    record: Record, code: str = "timeout", *, dlq: str = "parse.dlq.v1", offset: int = 17, at: int = 2_000
) -> Record:
    """The record as it stands on a DLQ."""
    error = ErrorInfo(code=code, message="it took too long", retryable=True, remedy="Wait.")
    headers: Sequence[Header] = DeadLetter(record, "medkg.parse", "StageTimeout", error).headers()
    return Record(dlq, 3, offset, at, record.key, record.value, headers)


def letter(job: str = "j-1", stage: str = "parse", epoch: int = 1, offset: int = 17) -> Letter:
    """A letter about a stage's work."""
    return read_letter(buried(asked(job, stage, epoch), offset=offset))


def other_letter() -> Letter:
    """A letter about a record that asks for no work."""
    poison = Record("jobs.requests.v1", 2, 9, 1_000, None, None, [("a", b"1"), ("a", None), ("b", b"\xff")])
    return read_letter(buried(poison, "poison", dlq="router.dlq.v1"))
