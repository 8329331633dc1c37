"""What is concluded about a job that has ended."""

from medkg_contracts.deadletter import Letter
from medkg_contracts.orders import Order
from medkg_ledger import JobState, JobStatus

from .causes import Cause
from .finding import Finding, said


def about_ended(state: JobState, letter: Letter | None, order: Order | None) -> Finding:
    """How the job ended.

    Args:
        state: the job.
        letter: the dead letter of what it failed at, if there is one.
        order: of a cancelled job, who ordered it and why, if that is still known.
    """
    match state.status:
        case JobStatus.COMPLETED:
            return _completed(state)
        case JobStatus.CANCELLED:
            return _cancelled(state, order or Order())
        case JobStatus.REJECTED:
            return _refused(state, letter, Cause.REJECTED, "it was rejected", "`medkg submit` asks for it again.")
    again = f"`medkg job rerun {state.job_id}` goes on from there."
    return _refused(state, letter, Cause.FAILED, f"it failed at {state.failed_stage}", again)


def _completed(state: JobState) -> Finding:
    if state.items == 0:
        return Finding(
            Cause.COMPLETED,
            "it is a batch whose query found nothing, so it has no items",
            "Try the query at the source's own site; if it should find something, submit it again corrected.",
        )
    return Finding(Cause.COMPLETED, "every stage has completed", "Nothing.")


def _cancelled(state: JobState, order: Order) -> Finding:
    by = f"{order.by or 'somebody'} cancelled it"
    return Finding(
        Cause.CANCELLED,
        f"{by}: {order.reason}" if order.reason else by,
        f"`medkg job rerun {state.job_id}` goes on where it was, if it is wanted again.",
        stage=state.current_stage,
    )


def _refused(state: JobState, letter: Letter | None, cause: Cause, verb: str, again: str) -> Finding:
    error = state.error
    look = "" if letter is None else f"`medkg dlq show {letter.place}` shows the record. "
    return Finding(
        cause,
        verb if error is None else f"{verb} [{error.code}]",
        f"{look}{'' if error is None else f'{error.remedy} '}Then {again}",
        stage=state.failed_stage,
        record=None if letter is None else str(letter.place),
        last_error=said(error),
    )
