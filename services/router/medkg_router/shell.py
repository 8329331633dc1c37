"""The router's shell: reads a batch, decides, saves by compare-and-set with an outbox, publishes.

Round trips for a batch of any size: one to load the jobs, one to save them, one wait for Kafka, one to empty the
outbox. The decisions themselves are `medkg_routing`; which of the requests for a stage's work are sent at once and
which wait for credit is decided by the ledger's commit.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from medkg_artifacts import ArtifactStore
from medkg_bus.producer import EventProducer
from medkg_contracts import topics
from medkg_contracts.errors import JobIdTaken, LedgerUnavailable, MedkgError, OrderRefused, TopologyUnknown
from medkg_contracts.records import Record
from medkg_ledger import Committed, JobState, Timer
from medkg_ledger.store import Ledger
from medkg_routing import (
    Cancel,
    Decision,
    Pause,
    Requested,
    Rerun,
    Resume,
    TimerFired,
    abandon,
    advance,
    check_own,
    ignore,
    ignored_event,
    rerun,
)
from medkg_routing.outbox import OutboxRecord, outbox_record, unpack

from . import metrics
from .batch_reader import BatchReader, InboundEvent
from .intake import Intake, may_begin
from .operating import Operating, refused
from .pending_job import PendingJob
from .pins import Pins
from .recent import Recent
from .reload import Reloader
from .rollout import Rollouts

logger = logging.getLogger(__name__)

#: How often a batch's losers of a compare-and-set are decided anew before the batch is given back.
CAS_ROUNDS = 5


class Router:
    """Handles batches of everything that the router reads."""

    def __init__(
        self,
        ledger: Ledger,
        pins: Pins,
        store: ArtifactStore,
        producer: EventProducer,
        reloader: Reloader,
        rollouts: Rollouts,
    ) -> None:
        self._ledger = ledger
        self._pins = pins
        self._store = store
        self._producer = producer
        self._reloader = reloader
        self._rollouts = rollouts
        self._reader = BatchReader(store, producer)
        self._intake = Intake(ledger, pins, store)
        self._operating = Operating(ledger, producer)
        self._recent = Recent()
        self._beside: set[asyncio.Future[None]] = set()

    async def handle(self, records: Sequence[Record]) -> None:
        """Decide all that the records say; what cannot be read goes to the DLQ.

        Raises:
            LedgerUnavailable: Redis did not answer; the batch has to be handled again.
            KafkaUnavailable: nor did Kafka; likewise.
        """
        batch = await self._reader.read(records)
        if batch.reload:
            await self._reloader.reload()
        await self._operating.obey(batch.scopes)
        heard = batch.jobs
        cancelled = await self._intake.cancelled(_requests(heard))
        for _ in range(CAS_ROUNDS):
            if not heard:
                return
            lost = await self._decide(heard, cancelled)
            heard = {job_id: heard[job_id] for job_id in lost}
        raise LedgerUnavailable(f"{len(heard)} jobs were changed by others {CAS_ROUNDS} times over")

    async def _decide(self, heard: dict[str, list[InboundEvent]], cancelled: frozenset[str]) -> set[str]:
        """Decide, save and publish; the jobs that somebody else changed meanwhile."""
        remembered = self._recent.known(heard)
        loaded = await self._recent.load(self._ledger, list(heard))
        if any(found.state is None for found in loaded.values()):
            # To an emptied ledger every job is unknown, and what is said of it would be dropped as foreign.
            await self._ledger.recognise()
        pending = {job_id: PendingJob.read(loaded[job_id]) for job_id in heard}
        time = datetime.now(UTC)
        for job_id, job in pending.items():
            for item in heard[job_id]:
                job.take(await self._decision(job, item, cancelled))
            await job.prepare(self._store, time)
        changes = {
            job_id: job.change(counts=self._counts(job.decision.state))
            for job_id, job in pending.items()
            if job.changed
        }
        # What changes nothing is checked by no compare-and-set: memory alone must not be the reason for it, since
        # another replica may have had the job meanwhile.
        unsure = {job_id for job_id in remembered if job_id not in changes}
        committed = await self._ledger.commit(list(changes.values()))
        won = {job_id for job_id, flag in zip(changes, committed.written, strict=True) if flag}
        lost = (set(changes) - won) | unsure
        self._recent.forget(lost)
        self._recent.keep(changes[job_id] for job_id in won)
        granted = dict(zip(changes, committed.granted, strict=True))
        kept = {job_id: job for job_id, job in pending.items() if job_id not in lost}
        await self._publish(kept, granted, committed)
        self._afterwards(committed)
        return lost

    async def _decision(self, job: PendingJob, heard: InboundEvent, cancelled: frozenset[str]) -> Decision:
        state, event = job.decision.state, heard.event
        if isinstance(event, Requested):
            return await self._requested(job, heard, event, cancelled)
        if state is None:
            return await self._stranger(job, heard)
        if state.pipeline_version is None and not isinstance(event, Rerun):
            return ignore(state, event.origin, "job_ended")
        try:
            if isinstance(event, Rerun):
                return await self._rerun(job, state, event, heard.now)
            plan = await self._pins.plan(state.pipeline_version or "")
        except TopologyUnknown as error:
            logger.error("job %s cannot go on: %s", state.job_id, error)  # noqa: TRY400 - no bug, so no stack trace
            return abandon(state, event.origin, error.info, heard.now)
        return advance(plan, state, event, heard.now)

    async def _requested(
        self, job: PendingJob, heard: InboundEvent, event: Requested, cancelled: frozenset[str]
    ) -> Decision:
        state = job.decision.state
        try:
            if state is not None:
                check_own(state, event)
        except JobIdTaken as error:
            if heard.error is None:
                job.refused.append((heard.record, error, event))
            return Decision(state)
        if state is not None and not may_begin(state):
            return ignore(state, event.origin, "duplicate")
        decision, reason = await self._intake.begin(
            event, heard.now, error=heard.error, before=state, cancelled=cancelled
        )
        if reason is not None and heard.error is None:
            job.refused.append((heard.record, reason, event))
        return decision

    async def _stranger(self, job: PendingJob, heard: InboundEvent) -> Decision:
        """Something about a job that nobody knows."""
        event = heard.event
        if isinstance(event, TimerFired):
            await self._ledger.drop_timers([Timer(event.job_id, event.node, 0)])
        if isinstance(event, Cancel | Pause | Resume | Rerun):
            job.disobeyed.append((event.origin, OrderRefused(f"the ledger knows no job {event.job_id!r}")))
        return ignore(None, event.origin, "foreign")

    async def _rerun(self, job: PendingJob, state: JobState, event: Rerun, now: int) -> Decision:
        if event.tenant_id not in (None, state.tenant_id):
            return ignore(state, event.origin, "foreign")
        try:
            return await self._restarted(state, event, now)
        except MedkgError as error:
            if error.retryable:
                raise
            job.disobeyed.append((event.origin, error))
            return Decision(state)

    async def _restarted(self, state: JobState, event: Rerun, now: int) -> Decision:
        version = state.pipeline_version
        pinned = None if version is None else await self._pins.plan(version)
        if event.order.latest:
            plan, ref = await self._pins.newest(state)
        elif pinned is not None:
            plan, ref = await self._pins.kept(pinned)
        else:
            raise OrderRefused(
                f"{state.job_id} is pinned to no version of a topology",
                remedy="Run it on the newest one: `medkg job rerun JOB --latest`; submit it again if it was rejected.",
            )
        return rerun(plan, state, event, now, ref=ref, pinned=pinned)

    async def _publish(
        self, jobs: Mapping[str, PendingJob], granted: Mapping[str, Sequence[bool]], committed: Committed
    ) -> None:
        now = datetime.now(UTC)
        records: list[OutboxRecord] = []
        for job_id, job in jobs.items():
            records += job.records
            records += [record for (_, record), flag in zip(job.asks, granted.get(job_id, ()), strict=False) if flag]
            for ignored in job.decision.ignored:
                metrics.ignored(ignored.data.reason)
                records.append(outbox_record(topics.EVENTS, ignored_event(ignored, job_id, now)))
            for origin, error in job.disobeyed:
                records.append(outbox_record(topics.EVENTS, refused(origin, job_id, error)))
        records += [record for each in committed.released for record in unpack(each.record)]
        await self._producer.deliver(records)
        for job_id, job in jobs.items():
            for record, reason, request in job.refused:
                await self._reader.refuse(record, reason, job_id, request)

    def _counts(self, state: JobState | None) -> bool:
        return state is not None and self._rollouts.counts(state.pipeline_name)

    def _afterwards(self, committed: Committed) -> None:
        """Empty the outbox beside the work: what stays in it after a crash is sent once more, which changes nothing."""
        entries = [*committed.entries, *(each.entry for each in committed.released)]
        task = asyncio.ensure_future(self._ledger.forget(entries))
        self._beside.add(task)
        task.add_done_callback(self._tidied)

    def _tidied(self, task: asyncio.Future[None]) -> None:
        self._beside.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.warning("the outbox could not be emptied, its entries will be sent again: %s", error)


def _requests(heard: Mapping[str, Sequence[InboundEvent]]) -> Iterable[Requested]:
    return (item.event for items in heard.values() for item in items if isinstance(item.event, Requested))
