"""Both directions to Kafka: job requests to it, lifecycle events from it."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

from medkg_bus.producer import connected_raw
from medkg_bus.tail import Tail
from medkg_contracts import topics
from medkg_contracts.cloudevents import CloudEvent, from_record, to_headers
from medkg_contracts.errors import PoisonRecord
from medkg_contracts.records import Record

from .loop import Loop
from .story import Story

_CLIENT_ID = "medkg-testing"


class Wire:
    """Follows the lifecycle events from the topic's beginning, and sends what tests ask for."""

    def __init__(self, kafka: str, loop: Loop, story: Story) -> None:
        self._kafka = kafka
        self._loop = loop
        self._story = story
        self._following: asyncio.Task[None] | None = None
        self._connections = AsyncExitStack()

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
        async with AsyncExitStack() as stack:
            self._producer = await stack.enter_async_context(connected_raw(self._kafka, _CLIENT_ID))
            tail = await stack.enter_async_context(Tail(self._kafka, topics.EVENTS, "beginning"))
            self._connections = stack.pop_all()
        self._following = asyncio.create_task(self._follow(tail))

    async def _follow(self, tail: Tail) -> None:
        try:
            # A job's events are all in one partition, in causal order; partitions follow one another as they come.
            async for records in tail.polls():
                self._story.tell([event for record in records if (event := _event(record)) is not None])
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait have to hear of it
            self._story.break_off(error)

    async def _send(self, events: Sequence[CloudEvent]) -> None:
        await self._producer.acknowledged(
            [
                await self._producer.raw(
                    topics.REQUESTS, event.extensions["partitionkey"].encode(), event.data, to_headers(event)
                )
                for event in events
            ]
        )

    async def _close(self) -> None:
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait([self._following])
        await self._connections.aclose()


def _event(record: Record) -> CloudEvent | None:
    try:
        return from_record(record.headers, record.value)
    except PoisonRecord:
        return None  # somebody's record that is no event belongs to no job
