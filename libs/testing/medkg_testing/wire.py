"""Both directions to Kafka: job requests to it, lifecycle events from it."""

import asyncio
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from medkg_bus.clients import producer_client
from medkg_contracts import topics
from medkg_contracts.cloudevents import CloudEvent, from_record, to_headers
from medkg_contracts.errors import KafkaUnavailable, PoisonRecord

from .loop import Loop
from .story import Story

_POLL_MS = 200
_CLIENT_ID = "medkg-testing"


class Wire:
    """Follows the lifecycle events from the topic's beginning, and sends what tests ask for."""

    def __init__(self, kafka: str, loop: Loop, story: Story) -> None:
        self._kafka = kafka
        self._loop = loop
        self._story = story
        self._following: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Connect.

        Raises:
            KafkaUnavailable: Kafka did not answer.
        """
        self._loop.run(self._open())

    def send(self, events: Sequence[CloudEvent]) -> None:
        """Ask for jobs, and wait until Kafka has all requests.

        Raises:
            KafkaUnavailable: Kafka did not answer.
        """
        self._loop.run(self._send(events))

    def close(self) -> None:
        """Disconnect."""
        self._loop.run(self._close())

    async def _open(self) -> None:
        # Without a group, so that nobody else's reading is touched.
        self._consumer = AIOKafkaConsumer(
            topics.EVENTS,
            bootstrap_servers=self._kafka,
            client_id=_CLIENT_ID,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            max_partition_fetch_bytes=2 * 1024 * 1024,
        )
        self._producer = producer_client(self._kafka, _CLIENT_ID)
        try:
            await self._producer.start()
            await self._consumer.start()
        except (KafkaError, OSError) as error:
            await self._close()
            raise KafkaUnavailable(f"Kafka at {self._kafka}: {error!r}") from error
        self._following = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        try:
            while True:
                # A job's events are all in one partition, in causal order; partitions follow one another as they come.
                for records in (await self._consumer.getmany(timeout_ms=_POLL_MS)).values():
                    self._story.tell([event for record in records if (event := _event(record)) is not None])
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait have to hear of it
            self._story.break_off(error)

    async def _send(self, events: Sequence[CloudEvent]) -> None:
        try:
            futures = [
                await self._producer.send(
                    topics.REQUESTS,
                    value=event.data,
                    key=event.extensions["partitionkey"].encode(),
                    headers=to_headers(event),
                )
                for event in events
            ]
            await asyncio.gather(*futures)
        except (KafkaError, OSError) as error:
            raise KafkaUnavailable(f"Kafka at {self._kafka}: {error!r}") from error

    async def _close(self) -> None:
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait([self._following])
        await self._consumer.stop()
        await self._producer.stop()


def _event(record: Any) -> CloudEvent | None:  # noqa: ANN401 - aiokafka's record
    try:
        return from_record(record.headers, record.value)
    except PoisonRecord:
        return None  # somebody's record that is no event belongs to no job
