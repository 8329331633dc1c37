"""The records that a decision sends, as they stand in the ledger's outbox until Kafka has them."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from medkg_contracts.cloudevents import CloudEvent, to_headers
from medkg_stagekit.kafka import Outlet


@dataclass(frozen=True, slots=True)
class Posting:
    """One record to send."""

    topic: str
    event: CloudEvent


def pack(postings: Sequence[Posting]) -> bytes:
    """The postings as one outbox entry: JSON, since every part of our own events is text."""
    return orjson.dumps(
        [
            [
                posting.topic,
                posting.event.extensions["partitionkey"],
                None if posting.event.data is None else posting.event.data.decode(),
                [(name, value.decode()) for name, value in to_headers(posting.event)],
            ]
            for posting in postings
        ]
    )


async def send_packed(entry: bytes, outlet: Outlet) -> None:
    """Send what an outbox entry holds, and wait until Kafka has it.

    Raises:
        KafkaUnavailable: Kafka has not acknowledged all of it.
    """
    futures = [
        await outlet.raw(
            topic,
            key.encode(),
            None if value is None else value.encode(),
            [(name, text.encode()) for name, text in headers],
        )
        for topic, key, value, headers in orjson.loads(entry)
    ]
    await outlet.acknowledged(futures)
