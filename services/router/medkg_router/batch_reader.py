"""What records say: each becomes something heard, or goes to its job's partition, or to the DLQ.

Any client may write to the router's topics, with a partitioner and a key of its own. What it says is decided where all
else about the same job is: a record in another partition is written again there, as it is, and read from there.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from medkg_artifacts import ArtifactStore, redeem
from medkg_bus.producer import LARGEST_COPY, EventProducer, size
from medkg_contracts import topics
from medkg_contracts.cloudevents import CloudEvent, from_record
from medkg_contracts.errors import MedkgError, PoisonRecord
from medkg_contracts.records import Record
from medkg_routing import JobEvent, Reload, Requested, ScopeOrdered, about, broken, read
from medkg_routing.outbound import SOURCE
from medkg_servicekit.refusal import refuse

from . import metrics

logger = logging.getLogger(__name__)

#: What is heard before all else of a batch.
_PLACES: Final = {topics.REQUESTS: 0, topics.CONTROL: 1}


@dataclass(frozen=True, slots=True)
class InboundEvent:
    """An event about a job as it was read.

    Attributes:
        record: that it was read from; its timestamp is the event's time.
        error: why the request that it is cannot be accepted; None for all else.
    """

    event: JobEvent
    record: Record
    error: MedkgError | None = None

    @property
    def now(self) -> int:
        """Milliseconds since 1970-01-01 UTC."""
        return self.record.time


@dataclass(frozen=True, slots=True)
class Batch:
    """What a batch of records says.

    Attributes:
        jobs: what concerns each job, in order.
        scopes: orders about stages and tenants, in order.
        reload: somebody asked for the topologies to be read again.
    """

    jobs: dict[str, list[InboundEvent]]
    scopes: list[ScopeOrdered]
    reload: bool


class BatchReader:
    """Reads records; what stands in the wrong place is moved, what cannot be read goes to the DLQ and is told of."""

    def __init__(self, store: ArtifactStore, producer: EventProducer) -> None:
        self._store = store
        self._producer = producer
        self._moving: list[asyncio.Future[Any]] = []

    async def read(self, records: Sequence[Record]) -> Batch:
        """What the records say: requests first, so that what is about a job is not heard before it; then control.

        Raises:
            KafkaUnavailable: a dead letter or a moved record could not be written; the batch has to be read again.
            ArtifactStoreUnavailable: a claim check could not be read; likewise.
        """
        batch = Batch({}, [], reload=False)
        reload = False
        self._moving = []
        for record in sorted(records, key=_place):
            heard = await self._read(record)
            match heard:
                case InboundEvent():
                    batch.jobs.setdefault(heard.event.job_id, []).append(heard)
                case ScopeOrdered():
                    batch.scopes.append(heard)
                case Reload():
                    reload = True
        await self._producer.acknowledged(self._moving)
        return Batch(batch.jobs, batch.scopes, reload)

    async def refuse(
        self,
        record: Record,
        error: MedkgError,
        job_id: str | None = None,
        request: Requested | None = None,
        event: CloudEvent | None = None,
        partition: int | None = None,
    ) -> None:
        """Keep the record in the DLQ, and say so; whoever made the `request` that it is is told that it is theirs.

        Args:
            record: that cannot be heard.
            error: why.
            job_id: the job that it is about; None if that cannot be told.
            request: what it asks for, if it is a request that can be read.
            event: that it is, as far as it can be read.
            partition: of the DLQ; None for that which the record has.

        Raises:
            KafkaUnavailable: Kafka has not acknowledged both.
        """
        logger.warning("%s/%d@%d goes to the DLQ: %s", record.topic, record.partition, record.offset, error)
        said = {} if event is None else {"causationid": event.id, "causationsource": event.source}
        said |= {} if job_id is None else {"jobid": job_id}
        futures = await refuse(
            self._producer,
            record,
            error,
            topics.ROUTER_GROUP,
            topics.ROUTER_DLQ,
            SOURCE,
            partition,
            **said | _asked(request),
        )
        await self._producer.acknowledged(futures)

    async def _read(self, record: Record) -> InboundEvent | ScopeOrdered | Reload | None:
        event: CloudEvent | None = None
        whose, home = None, record.partition
        try:
            _ = record.time  # one that nobody can reckon with is no event at all
            event = from_record(record.headers, record.value)
            whose = about(record.topic, event)
            home = home if whose is None else await self._producer.home(record.topic, whose)
            inbound = read(record.topic, await redeem(event, self._store))
        except MedkgError as error:
            if error.retryable:
                raise
            # The job that it concerns hears of it as well: it would wait for ever otherwise.
            spoiled = None if event is None else broken(record.topic, event, error)
            if spoiled is not None and home != record.partition:
                await self._move(record, home, whose)
                return None
            await self.refuse(record, error, whose, event=event, partition=home)
            return None if spoiled is None else InboundEvent(spoiled, record, error)
        if home != record.partition:
            await self._move(record, home, whose)
            return None
        return inbound if isinstance(inbound, Reload | ScopeOrdered) else InboundEvent(inbound, record)

    async def _move(self, record: Record, home: int, whose: str | None) -> None:
        """Write the record again, as it is, where all else about the same job stands."""
        if size(record) > LARGEST_COPY:
            error = PoisonRecord(
                f"the record has {size(record):,} bytes and stands in partition {record.partition}, but what is about "
                f"{whose} belongs to partition {home}; at most {LARGEST_COPY:,} bytes can be moved there"
            )
            await self.refuse(record, error, whose, partition=home)
            return
        self._moving.append(await self._producer.raw(record.topic, record.key, record.value, record.headers, home))
        metrics.moved(record.topic)


def _place(record: Record) -> int:
    return _PLACES.get(record.topic, len(_PLACES))


def _asked(request: Requested | None) -> dict[str, str]:
    """Who asked for what, as attributes of the answer."""
    if request is None:
        return {}
    return {
        "tenantid": request.tenant_id,
        "correlationid": request.correlation_id,
        "causationid": request.origin.event_id,
        "causationsource": request.origin.source,
    }
