"""The records that a decision sends, as they stand in the ledger until Kafka has them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import orjson
from medkg_bus.producer import EventProducer
from medkg_contracts.cloudevents import CloudEvent, to_headers
from medkg_contracts.requests import Priority
from medkg_ledger import Ask, JobState
from medkg_routing import Emit

#: A priority's place in the order of a tenant's own work.
_PLACES: Final[dict[Priority, int]] = {"high": 0, "normal": 1, "low": 2}


@dataclass(frozen=True, slots=True)
class Posting:
    """One record to send; its headers are those of the binary content mode."""

    topic: str
    key: str
    value: bytes | None
    headers: list[tuple[str, bytes]]


def posting(topic: str, event: CloudEvent) -> Posting:
    """The event as a record for this topic."""
    return Posting(topic, event.extensions["partitionkey"], event.data, to_headers(event))


def ask(state: JobState, emit: Emit, record: Posting, *, sent: bool = False) -> Ask:
    """The request for a stage's work that `emit` and its record stand for; `sent` if Kafka has it already."""
    if emit.service is None or emit.node is None:
        raise AssertionError(f"{emit.kind} asks for nobody's work")
    return Ask(emit.service, emit.node, state.tenant_id, _PLACES[state.priority], pack([record]), sent=sent)


def pack(postings: Sequence[Posting]) -> bytes:
    """The postings as one entry of the ledger's outbox: JSON, since every part of our own events is text."""
    return orjson.dumps(
        [
            [
                posting.topic,
                posting.key,
                None if posting.value is None else posting.value.decode(),
                [(name, value.decode()) for name, value in posting.headers],
            ]
            for posting in postings
        ]
    )


def unpack(entry: bytes) -> list[Posting]:
    """The postings that an entry of the outbox holds."""
    return [
        Posting(
            topic,
            key,
            None if value is None else value.encode(),
            [(name, text.encode()) for name, text in headers],
        )
        for topic, key, value, headers in orjson.loads(entry)
    ]


async def send(postings: Sequence[Posting], producer: EventProducer) -> None:
    """Send these, and wait until Kafka has them.

    Raises:
        KafkaUnavailable: Kafka has not acknowledged all.
    """
    futures = [await producer.raw(each.topic, each.key.encode(), each.value, each.headers) for each in postings]
    await producer.acknowledged(futures)
