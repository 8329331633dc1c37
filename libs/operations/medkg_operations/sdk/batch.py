"""A batch, in the hands of a program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from medkg_contracts.errors import NotCompleted
from medkg_ledger import JobStatus

from medkg_operations.views import batch_status

from .job import WAIT_S, Job

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from medkg_ledger import JobState


#: Seconds between two counts of a batch whose jobs are ending.
LOOK_S = 0.5


@dataclass(frozen=True, slots=True)
class BatchCounts:
    """How a batch stands.

    Attributes:
        jobs: how many of its items' jobs are of each status.
        expected: how many items it has; None while that is not known.
        ended: the batch's own job and all of its items' have ended.
    """

    jobs: Mapping[str, int]
    expected: int | None
    ended: bool

    @property
    def total(self) -> int:
        """How many jobs it has become so far."""
        return sum(self.jobs.values())


class Batch(Job):
    """A batch: the job that finds the items, and the jobs that they become; made by `Client.submit_batch`."""

    async def items(self) -> AsyncIterator[Job]:
        """The jobs that the batch has become so far, newest first."""
        async for state in self._client.ledger.each_job({"batch": self.id}):
            yield Job(self._client, state.job_id)

    async def counts(self) -> BatchCounts:
        """How the batch stands now."""
        own = await self._client.ledger.get(self.id)
        batch = await batch_status(self._client.ledger, self.id, 0)
        expected = None if own is None else own.items
        ended = own is not None and own.ended and batch.total >= (expected or 0) and not batch.open
        return BatchCounts(dict(batch.counts), expected, ended)

    async def progress(self, timeout: float = WAIT_S) -> AsyncIterator[BatchCounts]:  # noqa: ASYNC109 - ours
        """How the batch stands, again whenever that changes, until all has ended.

        Args:
            timeout: seconds that may pass without a change.

        Raises:
            Unfinished: nothing has changed for so long.
        """
        before: BatchCounts | None = None
        while before is None or not before.ended:
            known = before

            async def changed(known: BatchCounts | None = known) -> BatchCounts | None:
                counts = await self.counts()
                return None if counts == known else counts

            before = await self._client.ends.until(self.id, changed, timeout, LOOK_S)
            yield before

    async def ended(self, timeout: float = WAIT_S) -> JobState:  # noqa: ASYNC109 - ours
        """Wait until the batch and all its items have ended, however they end; the batch's own job.

        Raises:
            Unfinished: they have not ended in time.
            JobIdTaken: as `Job.ended`.
        """
        return await self._client.ends.until(self.id, self._look, timeout)

    async def completed(self, timeout: float = WAIT_S) -> JobState:  # noqa: ASYNC109 - ours
        """Wait until the batch and all its items have completed; the batch's own job.

        Raises:
            NotCompleted: one of them has ended otherwise; `items` and `counts` say which.
            Unfinished: they have not ended in time.
        """
        state = await super().completed(timeout)
        jobs = (await self.counts()).jobs
        if set(jobs) - {JobStatus.COMPLETED}:
            said = ", ".join(f"{count} {status}" for status, count in sorted(jobs.items()))
            raise NotCompleted(
                f"not all items of batch {self.id} have completed: {said}",
                remedy=f"`medkg status {self.id}` lists them, those that failed first.",
            )
        return state

    async def _look(self) -> JobState | None:
        own = await super()._look()
        if own is None:
            return None
        entry = f"batch:{self.id}"
        if (await self._client.ledger.counts([entry]))[entry] < (own.items or 0):
            return None
        running = await self._client.ledger.jobs({"batch": self.id, "state": str(JobStatus.RUNNING)}, limit=1)
        return None if running.jobs else own
