"""What is concluded about a job that the ledger does not know: refused, not read yet, or never asked for."""

from medkg_contracts.deadletter import Letter
from medkg_contracts.explanation import Explanation
from medkg_contracts.records import Record

from .causes import Cause
from .facts import HeldBack, Reader
from .finding import Finding, held_back, poisoned
from .router import unread


def about_stranger(
    job_id: str,
    letter: Letter | None,
    request: Record | None,
    router: Reader,
    held: HeldBack | None = None,
    refusal: Finding | None = None,
) -> Explanation:
    """Why the ledger does not know the job.

    Args:
        job_id: the job's.
        letter: the newest open dead letter of the router about the job.
        request: the first record that asks for the job and that the router has not read.
        router: the router's group at that partition.
        held: a request for the job that an open transaction holds back.
        refusal: why the ledger is not written, if it is not.
    """
    if request is not None:
        return _told(job_id, "requested", refusal or unread(request, router, None, "its request"))
    if held is not None:
        return _told(job_id, "requested", held_back(held, None, "its request"))
    if letter is not None:
        return _told(job_id, "refused", poisoned(letter, None))
    unknown = Finding(
        Cause.UNKNOWN_JOB,
        "neither the ledger nor the newest requests and dead letters know this id",
        "Check the id with `medkg status`; `medkg submit` prints it.",
    )
    return _told(job_id, "unknown", unknown)


def _told(job_id: str, status: str, finding: Finding) -> Explanation:
    return Explanation(
        job_id=job_id,
        status=status,
        cause=finding.cause,
        summary=finding.summary,
        record=finding.record,
        waiting_on=finding.waiting_on,
        last_error=finding.last_error,
        next_action=finding.next_action,
    )
