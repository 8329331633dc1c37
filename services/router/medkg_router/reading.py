"""What records say: each becomes something heard, or goes to the DLQ."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from medkg_artifacts import ArtifactStore, redeem
from medkg_bus.producer import EventProducer
from medkg_contracts import topics
from medkg_contracts.cloudevents import CloudEvent, from_record
from medkg_contracts.errors import MedkgError
from medkg_contracts.records import Record
from medkg_routing import JobEvent, Reload, Requested, ScopeOrdered, broken, read
from medkg_routing.outbound import SOURCE
from medkg_stagekit.consumer import refuse

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Heard:
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

    jobs: dict[str, list[Heard]]
    scopes: list[ScopeOrdered]
    reload: bool


class Reader:
    """Reads records; what cannot be read goes to the DLQ and is told of."""

    def __init__(self, store: ArtifactStore, producer: EventProducer) -> None:
        self._store = store
        self._producer = producer

    async def read(self, records: Sequence[Record]) -> Batch:
        """What the records say, control first.

        Raises:
            KafkaUnavailable: a dead letter could not be written; the batch has to be read again.
            ArtifactStoreUnavailable: a claim check could not be read; likewise.
        """
        batch = Batch({}, [], reload=False)
        reload = False
        for record in sorted(records, key=lambda record: record.topic != topics.CONTROL):
            heard = await self._read(record)
            match heard:
                case Heard():
                    batch.jobs.setdefault(heard.event.job_id, []).append(heard)
                case ScopeOrdered():
                    batch.scopes.append(heard)
                case Reload():
                    reload = True
        return Batch(batch.jobs, batch.scopes, reload)

    async def refuse(self, record: Record, error: MedkgError, request: Requested | None = None) -> None:
        """Keep the record in the DLQ, and say so; whoever made the `request` that it is is told that it is theirs.

        Raises:
            KafkaUnavailable: Kafka has not acknowledged both.
        """
        logger.warning("%s/%d@%d goes to the DLQ: %s", record.topic, record.partition, record.offset, error)
        futures = await refuse(
            self._producer, record, error, topics.ROUTER_GROUP, topics.ROUTER_DLQ, SOURCE, **_asked(request)
        )
        await self._producer.acknowledged(futures)

    async def _read(self, record: Record) -> Heard | ScopeOrdered | Reload | None:
        event: CloudEvent | None = None
        try:
            _ = record.time  # one that nobody can reckon with is no event at all
            event = from_record(record.headers, record.value)
            inbound = read(record.topic, await redeem(event, self._store))
        except MedkgError as error:
            if error.retryable:
                raise
            await self.refuse(record, error)
            # The job that it concerns hears of it as well: it would wait for ever otherwise.
            about = None if event is None else broken(record.topic, event, error)
            return None if about is None else Heard(about, record, error)
        return inbound if isinstance(inbound, Reload | ScopeOrdered) else Heard(inbound, record)


def _asked(request: Requested | None) -> dict[str, str]:
    """Who asked for what, as attributes of the answer."""
    if request is None:
        return {}
    return {
        "jobid": request.job_id,
        "tenantid": request.tenant_id,
        "correlationid": request.correlation_id,
        "causationid": request.origin.event_id,
        "causationsource": request.origin.source,
    }
