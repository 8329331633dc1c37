"""What a consumer does with a record that it cannot read: kept byte for byte, and told."""

import asyncio
from datetime import UTC, datetime
from typing import Any, Final

from medkg_bus.producer import EventProducer
from medkg_contracts import topics
from medkg_contracts.data import RecordRefused
from medkg_contracts.deadletter import DeadLetter
from medkg_contracts.errors import MedkgError
from medkg_contracts.events import make_event
from medkg_contracts.ids import digest
from medkg_contracts.kinds import Kind
from medkg_contracts.model import Identifier
from medkg_contracts.records import Record
from prometheus_client import Counter
from pydantic import TypeAdapter, ValidationError

#: Stands for the job in ``record.refused`` when the record does not tell.
UNKNOWN_JOB: Final = "unknown"

_JOB_ID: Final = TypeAdapter(Identifier)
_REFUSED: Final = Counter("medkg_records_refused_total", "Records sent to a DLQ", ["topic", "code"])


async def refuse(
    producer: EventProducer,
    record: Record,
    error: MedkgError,
    group: str,
    dlq: str,
    source: str,
    partition: int | None = None,
    **about: str,
) -> list[asyncio.Future[Any]]:
    """Put a record on a DLQ, and say so in a lifecycle event.

    Args:
        producer: sends both.
        record: what cannot be read or done.
        error: why.
        group: the consumer group that has read it.
        dlq: the topic.
        source: the CloudEvents `source` of the service.
        partition: of the DLQ; the record's own unless it is given.
        about: the event's attributes that say whose the record is, where that is known.

    Returns:
        What to wait for until Kafka has both.

    Raises:
        KafkaUnavailable: the producer cannot take them.
        ArtifactStoreUnavailable: the record is too large for a letter, and the store cannot take it.
    """
    _REFUSED.labels(record.topic, error.code).inc()
    data = RecordRefused(
        topic=record.topic, partition=record.partition, offset=record.offset, dlq=dlq, error=error.info
    )
    event = make_event(
        Kind.RECORD_REFUSED,
        id=digest(record.topic, record.partition, record.offset, error.code, error.info.message)[:32],
        source=source,
        time=datetime.now(UTC),
        data=data,
        job_id=about.pop("jobid", _job_of(record)),
        extensions=about,
    )
    return [
        await producer.bury(dlq, DeadLetter(record, group, type(error).__name__, error.info), partition),
        await producer.send(topics.EVENTS, event),
    ]


def _job_of(record: Record) -> str:
    """The job that the record's key names; a key that no job can have says nothing."""
    try:
        return _JOB_ID.validate_python((record.key or b"").decode())
    except (UnicodeDecodeError, ValidationError):
        return UNKNOWN_JOB
