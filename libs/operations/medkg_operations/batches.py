"""Orders about a batch: about its own job, and about all the jobs that it has become."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from itertools import islice
from time import monotonic
from typing import Final

from medkg_contracts.errors import NotFound, OrderRefused
from medkg_contracts.kinds import Kind
from medkg_contracts.orders import Order, RerunOrder
from medkg_contracts.settings import Settings
from medkg_ledger import JobState, JobStatus, LedgerReader, NodeStatus

from .control import Answer, Control, order_event

#: Jobs of a batch that are ordered about at once.
PAGE: Final = 500

#: Seconds between two looks for jobs that the router has not begun yet.
LOOK_S: Final = 0.2

#: Is given the answers so far.
Heard = Callable[[Sequence[Answer]], None]


async def is_batch(ledger: LedgerReader, job_id: str) -> bool:
    """Whether the job has become others.

    Raises:
        NotFound: there is neither such a job nor such a batch.
    """
    entry = f"batch:{job_id}"
    items = (await ledger.counts([entry]))[entry]
    if not items and await ledger.get(job_id) is None:
        raise NotFound(f"the ledger knows no job and no batch {job_id!r}")
    return items > 0


async def cancel_batch(
    settings: Settings,
    ledger: LedgerReader,
    batch_id: str,
    order: Order,
    timeout_s: float,
    heard: Heard,
    *,
    source: str,
) -> list[Answer]:
    """Cancel the batch's own job first, so that it becomes no further ones, and then all that it has become."""
    return await _ask(
        settings, Kind.CONTROL_CANCEL, order, _running(ledger, batch_id, timeout_s), timeout_s, heard, source
    )


async def rerun_batch(
    settings: Settings,
    ledger: LedgerReader,
    batch_id: str,
    order: RerunOrder,
    timeout_s: float,
    heard: Heard,
    *,
    source: str,
) -> list[Answer]:
    """Run again what has not completed: the batch's own job, and each of its jobs that failed or was cancelled.

    A stage that the order names is one of the batch's own job; the others go on where they ended.

    Raises:
        OrderRefused: there is nothing to run again.
    """
    answers: list[Answer] = []
    own = await ledger.get(batch_id)
    if own is not None and (order.stage is not None or _has_not_completed(own)):
        answers = await _ask(settings, Kind.CONTROL_RERUN, order, _pages([batch_id]), timeout_s, heard, source)
        if not all(answer.obeyed for answer in answers):
            return answers
    ended = [
        job.job_id
        for status in (JobStatus.FAILED, JobStatus.CANCELLED)
        async for job in ledger.each_job({"batch": batch_id, "state": str(status)})
    ]
    if not ended and not answers:
        raise OrderRefused(
            f"the batch {batch_id} has completed, and none of its jobs has failed or was cancelled",
            remedy="Name the stage to run again from: `medkg job rerun BATCH --from expand` asks for all items again.",
        )
    each = order.model_copy(update={"stage": None})
    return answers + await _ask(settings, Kind.CONTROL_RERUN, each, _pages(ended), timeout_s, heard, source)


async def _ask(
    settings: Settings,
    kind: Kind,
    order: Order,
    pages: AsyncIterator[list[str]],
    timeout_s: float,
    heard: Heard,
    source: str,
) -> list[Answer]:
    """Give the order about each job, page by page, until one stays unanswered."""
    answers: list[Answer] = []
    async with Control(settings) as control:
        async for page in pages:
            answers += await control.ask(
                [order_event(kind, job_id, order, source=source) for job_id in page], timeout_s
            )
            heard(answers)
            if any(answer.kind is None for answer in answers):
                break
    return answers


async def _running(ledger: LedgerReader, batch_id: str, timeout_s: float) -> AsyncIterator[list[str]]:
    """The batch's own job and then its running ones, until there are no others, nor any that is yet to begin."""
    own = await ledger.get(batch_id)
    if own is not None and not own.ended:
        yield [batch_id]
    filters = {"batch": batch_id, "state": str(JobStatus.RUNNING)}
    seen: set[str] = set()
    deadline = monotonic() + timeout_s
    while True:
        page = {job.job_id for job in (await ledger.jobs(filters, limit=PAGE)).jobs} - seen
        if page:
            yield sorted(page)
            seen |= page
        elif monotonic() < deadline and await _some_are_to_begin(ledger, own):
            await asyncio.sleep(LOOK_S)
        else:
            return


async def _some_are_to_begin(ledger: LedgerReader, own: JobState | None) -> bool:
    """Whether a batch that has asked for all its jobs has become fewer so far."""
    if own is None or own.items is None:
        return False
    entry = f"batch:{own.job_id}"
    return (await ledger.counts([entry]))[entry] < own.items


def _has_not_completed(own: JobState) -> bool:
    deferred = any(node.status is NodeStatus.DEFERRED for node in own.nodes.values())
    return own.status in {JobStatus.FAILED, JobStatus.CANCELLED} or deferred


async def _pages(job_ids: Sequence[str]) -> AsyncIterator[list[str]]:
    rest = iter(job_ids)
    while page := list(islice(rest, PAGE)):
        yield page
