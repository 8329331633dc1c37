"""Views of jobs and batches, as the ledger has them."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from medkg_contracts.errors import NotFound
from medkg_contracts.settings import Settings
from medkg_ledger import JobState, JobStatus, LedgerReader
from medkg_topology.plan import Plan

from .pdf import PdfProgress, pdf_progress


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """How a batch stands.

    Attributes:
        counts: jobs by state.
        jobs: some of them, those that failed first.
    """

    batch_id: str
    counts: Mapping[str, int]
    jobs: Sequence[JobState]

    @property
    def total(self) -> int:
        """How many jobs the batch has become so far."""
        return sum(self.counts.values())

    @property
    def open(self) -> int:
        """How many of them have not ended."""
        return self.counts.get(JobStatus.RUNNING, 0)


@dataclass(frozen=True, slots=True)
class JobView:
    """What the ledger says of a job, of a batch, or of a batch's own job and its items.

    Attributes:
        state: the job; None for a batch that somebody named in its jobs' requests.
        plan: the plan that it is pinned to.
        batch: how the jobs stand that name it as their batch; there may be none.
        pdf: how far it is with its PDF; None where its topology waits for none.
    """

    state: JobState | None
    plan: Plan | None
    batch: BatchStatus
    pdf: PdfProgress | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more can happen."""
        return (self.state is None or self.state.ended) and self.batch.open == 0


@asynccontextmanager
async def ledger_of(settings: Settings) -> AsyncIterator[LedgerReader]:
    """The deployment's ledger, to look at."""
    ledger = LedgerReader.from_url(settings.redis_url)
    try:
        yield ledger
    finally:
        await ledger.close()


async def batch_status(ledger: LedgerReader, batch_id: str, limit: int) -> BatchStatus:
    """How many jobs of the batch are in each state, and at most `limit` of them.

    Raises:
        LedgerUnavailable: the ledger does not answer.
    """
    counts: Counter[str] = Counter()
    failed: list[JobState] = []
    others: list[JobState] = []
    async for job in ledger.each_job({"batch": batch_id}):
        counts[str(job.status)] += 1
        kept = failed if job.status in (JobStatus.FAILED, JobStatus.REJECTED) else others
        if len(kept) < limit:
            kept.append(job)
    return BatchStatus(batch_id, dict(counts), [*failed, *others][:limit])


async def job_view(ledger: LedgerReader, job_id: str, limit: int) -> JobView:
    """What is known of a job or a batch; of a batch's jobs, at most `limit` are named.

    Raises:
        NotFound: the ledger knows neither.
        LedgerUnavailable: the ledger does not answer.
    """
    state = await ledger.get(job_id)
    batch = await batch_status(ledger, job_id, limit)
    if state is None and not batch.total:
        raise NotFound(
            f"the ledger knows no job and no batch {job_id!r}",
            remedy="`medkg status` lists the jobs; `medkg explain` also looks for what no router has read yet.",
        )
    plan = await ledger.plan(state.pipeline_version) if state and state.pipeline_version else None
    pdf = None if state is None or plan is None else pdf_progress(state, plan)
    return JobView(state, plan, batch, pdf)
