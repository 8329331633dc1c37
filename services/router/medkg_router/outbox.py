"""The records that a decision sends, as they stand in the ledger's outbox until Kafka has them."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from medkg_contracts.cloudevents import CloudEvent, to_headers
from medkg_stagekit.kafka import Outlet


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


def pack(postings: Sequence[Posting]) -> bytes:
    """The postings as one outbox entry: JSON, since every part of our own events is text."""
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


async def send(postings: Sequence[Posting], outlet: Outlet) -> None:
    """Send these, and wait until Kafka has them.

    Raises:
        KafkaUnavailable: Kafka has not acknowledged all.
    """
    futures = [await outlet.raw(each.topic, each.key.encode(), each.value, each.headers) for each in postings]
    await outlet.acknowledged(futures)


def unpack(entry: bytes) -> list[Posting]:
    """The postings that an outbox entry holds."""
    return [
        Posting(
            topic,
            key,
            None if value is None else value.encode(),
            [(name, text.encode()) for name, text in headers],
        )
        for topic, key, value, headers in orjson.loads(entry)
    ]
