"""The records that a decision sends, as they stand in the ledger until Kafka has them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import orjson
from medkg_contracts.cloudevents import CloudEvent, to_headers
from medkg_contracts.requests import Priority
from medkg_ledger import Ask

from .emit import Emit

#: A priority's place in the order of a tenant's own work.
_PLACES: Final[dict[Priority, int]] = {"high": 0, "normal": 1, "low": 2}


@dataclass(frozen=True, slots=True)
class OutboxRecord:
    """One record to send; its headers are those of the binary content mode."""

    topic: str
    key: str
    value: bytes | None
    headers: list[tuple[str, bytes]]


def outbox_record(topic: str, event: CloudEvent) -> OutboxRecord:
    """The event as a record for this topic."""
    return OutboxRecord(topic, event.extensions["partitionkey"], event.data, to_headers(event))


def ask(emit: Emit, record: OutboxRecord, *, sent: bool = False) -> Ask:
    """The request for a stage's work that `emit` and its record stand for; `sent` if Kafka has it already."""
    if emit.service is None or emit.node is None:
        raise AssertionError(f"{emit.kind} asks for nobody's work")
    job = emit.job
    return Ask(emit.service, emit.node, job.tenant_id, _PLACES[job.priority], pack([record]), sent=sent)


def pack(records: Sequence[OutboxRecord]) -> bytes:
    """The records as one entry of the ledger's outbox: JSON, since every part of our own events is text."""
    return orjson.dumps(
        [
            [
                record.topic,
                record.key,
                None if record.value is None else record.value.decode(),
                [(name, value.decode()) for name, value in record.headers],
            ]
            for record in records
        ]
    )


def unpack(entry: bytes) -> list[OutboxRecord]:
    """The records that an entry of the outbox holds."""
    return [
        OutboxRecord(
            topic,
            key,
            None if value is None else value.encode(),
            [(name, text.encode()) for name, text in headers],
        )
        for topic, key, value, headers in orjson.loads(entry)
    ]
