"""A stage service's Kafka shell: records in, stage run, events out.

The order for each job: ``stage.started`` -> the work, its artifacts stored -> ``stage.completed`` acknowledged on
``orchestration.events.v1`` -> the same event acknowledged on the stage's done topic -> the offset committed. A crash
anywhere leads to the work being done again, with the same artifacts, the same event ids and one effect.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from medkg_artifacts import ArtifactStore, redeem
from medkg_contracts import topics
from medkg_contracts.cloudevents import CloudEvent, from_record
from medkg_contracts.deadletter import DeadLetter, Record
from medkg_contracts.errors import MedkgError
from medkg_contracts.events import JobRequest, Kind, RecordRefused, StageResult, StageRetrying, StageStarted, make_event
from medkg_contracts.ids import batch_item_id, digest, event_id
from medkg_contracts.model import Contract

from . import metrics
from .binding import Binding
from .execution import Executor, Observer
from .kafka import Outlet
from .tracing import child_of
from .work import Outcome, Work, read_work

logger = logging.getLogger(__name__)

WORKER = f"{socket.gethostname()}:{os.getpid()}"


class StageConsumer(Observer):
    """Handles batches of a stage's queue."""

    def __init__(self, binding: Binding, store: ArtifactStore, outlet: Outlet, *, concurrency: int) -> None:
        self.name = binding.name
        self._outlet = outlet
        self._store = store
        self._executor = Executor(binding, store, self, concurrency=concurrency)
        self._source = f"/medkg/stages/{binding.name}"
        self._unacknowledged: list[asyncio.Future[Any]] = []

    async def handle(self, records: Sequence[Record]) -> None:
        """Do all that the records ask for; what cannot be read goes to the DLQ.

        Raises:
            KafkaUnavailable: results could not be published; the batch has to be handled again.
        """
        self._unacknowledged = []
        works = [work for record in records if (work := await self._read(record)) is not None]
        if works:
            async for outcomes in self._executor.run(works):
                await self._publish(outcomes)
        await self._acknowledge()

    async def started(self, work: Work) -> None:
        """Say that the work begins."""
        await self._tell(work, Kind.STAGE_STARTED, StageStarted(worker=WORKER), position=1, attempt=1)

    async def retrying(self, work: Work, retry: int, error: MedkgError, wait_s: float) -> None:
        """Say that the work will be tried again."""
        data = StageRetrying(error=error.info, wait_s=round(wait_s, 3))
        await self._tell(work, Kind.STAGE_RETRYING, data, position=1 + retry, attempt=1 + retry)

    async def expanded(self, work: Work, requests: Sequence[JobRequest]) -> None:
        """Publish a batch's items as job requests; their ids make a repeat harmless."""
        batch_id = work.ctx.job_id
        for request in requests:
            item = request.model_copy(update={"batch_id": batch_id})
            job_id = batch_item_id(batch_id, item.doc_id)
            event = make_event(
                Kind.JOB_REQUESTED,
                id=job_id,
                source=self._source,
                time=datetime.now(UTC),
                data=item,
                job_id=job_id,
                subject=item.doc_id,
                extensions={
                    "tenantid": work.ctx.tenant_id,
                    "correlationid": work.ctx.correlation_id,
                    "causationid": work.cause,
                    "traceparent": work.traceparent,
                },
            )
            self._unacknowledged.append(await self._outlet.send(topics.REQUESTS, event))
        await self._acknowledge()

    async def _read(self, record: Record) -> Work | None:
        event: CloudEvent | None = None
        try:
            event = await redeem(from_record(record.headers, record.value), self._store)
            return read_work(event, record)
        except MedkgError as error:
            if error.retryable:
                raise
            await self._refuse(record, error, event)
            return None

    async def _refuse(self, record: Record, error: MedkgError, event: CloudEvent | None) -> None:
        """Keep the record in the DLQ; when it says whose work it was, fail that stage of that job too."""
        logger.warning("%s/%d@%d goes to the DLQ: %s", record.topic, record.partition, record.offset, error)
        refused = await refuse(
            self._outlet, record, error, topics.group(self.name), topics.dlq(self.name), self._source
        )
        self._unacknowledged += refused
        wanted = {} if event is None else event.extensions
        if wanted.get("jobid") and wanted.get("stage") and wanted.get("epoch", "").isdecimal():
            failed = make_event(
                Kind.STAGE_FAILED,
                id=event_id(wanted["jobid"], wanted["stage"], int(wanted["epoch"]), 1, Kind.STAGE_FAILED),
                source=self._source,
                time=datetime.now(UTC),
                data=StageResult(error=error.info, worker=WORKER),
                job_id=wanted["jobid"],
                extensions={name: wanted.get(name) for name in ("tenantid", "correlationid", "stage", "epoch")},
            )
            await self._acknowledge_then_done([failed])

    async def _publish(self, outcomes: Sequence[Outcome]) -> None:
        """Events first, and only once Kafka has them, the done topic: no reader sees a result before its story."""
        for outcome in outcomes:
            if outcome.error is not None and outcome.work.record is not None:
                letter = DeadLetter(
                    outcome.work.record, topics.group(self.name), type(outcome.error).__name__, outcome.error.info
                )
                self._unacknowledged.append(await self._outlet.bury(topics.dlq(self.name), letter))
            label = outcome.error.code if outcome.error else "skipped" if outcome.skipped else "completed"
            metrics.executed(outcome.work.node, label, outcome.duration_ms, outcome.work.waited_ms, outcome.retries)
        await self._acknowledge_then_done([self._result_event(outcome) for outcome in outcomes])

    async def _acknowledge_then_done(self, events: Sequence[CloudEvent]) -> None:
        for event in events:
            self._unacknowledged.append(await self._outlet.send(topics.EVENTS, event))
        await self._acknowledge()
        for event in events:
            self._unacknowledged.append(await self._outlet.send(topics.done(self.name), event))

    async def _acknowledge(self) -> None:
        futures, self._unacknowledged = self._unacknowledged, []
        await self._outlet.acknowledged(futures)

    async def _tell(self, work: Work, kind: Kind, data: Contract, *, position: int, attempt: int) -> None:
        event = self._event(work, kind, data, position=position, attempt=attempt)
        self._unacknowledged.append(await self._outlet.send(topics.EVENTS, event))

    def _result_event(self, outcome: Outcome) -> CloudEvent:
        work = outcome.work
        data = StageResult(
            artifacts=outcome.artifacts,
            error=outcome.error.info if outcome.error else None,
            retries=outcome.retries,
            duration_ms=outcome.duration_ms,
            waited_ms=work.waited_ms,
            skipped=outcome.skipped,
            worker=WORKER,
        )
        kind = Kind.STAGE_FAILED if outcome.error else Kind.STAGE_COMPLETED
        return self._event(work, kind, data, position=outcome.retries + 2, attempt=outcome.retries + 1)

    def _event(self, work: Work, kind: Kind, data: Contract, *, position: int, attempt: int) -> CloudEvent:
        ctx = work.ctx
        identity = event_id(ctx.job_id, work.node, ctx.epoch, attempt, kind)
        return make_event(
            kind,
            id=identity,
            source=self._source,
            time=datetime.now(UTC),
            data=data,
            job_id=ctx.job_id,
            subject=ctx.doc_id,
            extensions={
                "tenantid": ctx.tenant_id,
                "correlationid": ctx.correlation_id,
                "causationid": work.cause,
                "traceparent": child_of(work.traceparent, identity),
                "topology": work.topology,
                "stage": work.node,
                "epoch": str(ctx.epoch),
                "attempt": str(attempt),
                "sequence": f"{work.sequence}.{position:02d}",
            },
        )


async def refuse(
    outlet: Outlet, record: Record, error: MedkgError, group: str, dlq: str, source: str
) -> list[asyncio.Future[Any]]:
    """Put the record on the DLQ and say so in a lifecycle event."""
    metrics.refused(record.topic, error.code)
    job_id = record.key.decode(errors="replace")[:128] if record.key else "unknown"
    data = RecordRefused(
        topic=record.topic, partition=record.partition, offset=record.offset, dlq=dlq, error=error.info
    )
    event = make_event(
        Kind.RECORD_REFUSED,
        id=digest(record.topic, record.partition, record.offset, error.code)[:32],
        source=source,
        time=datetime.now(UTC),
        data=data,
        job_id=job_id,
    )
    return [
        await outlet.bury(dlq, DeadLetter(record, group, type(error).__name__, error.info)),
        await outlet.send(topics.EVENTS, event),
    ]
