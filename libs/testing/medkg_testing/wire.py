"""Both directions to Kafka: requests and records that tests send, and lifecycle events from it."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from typing import Final

from medkg_bus.producer import connected_raw
from medkg_bus.tail import Tail
from medkg_contracts import topics
from medkg_contracts.cloudevents import CloudEvent, from_record
from medkg_contracts.errors import PoisonRecord
from medkg_contracts.records import Record
from medkg_contracts.settings import Settings
from medkg_operations.requests import publish

from .loop import Loop
from .story import Story

_CLIENT_ID: Final = "medkg-testing"


class Wire:
    """Follows the lifecycle events of a deployment from their beginning, and sends what tests ask for.

    Attributes:
        story: what the events tell.
    """

    def __init__(self, settings: Settings, loop: Loop, logs: str) -> None:
        self.story = Story(logs)
        self._settings = settings
        self._loop = loop
        self._connections = AsyncExitStack()

    def open(self) -> None:
        """Begin to follow.

        Raises:
            KafkaUnavailable: Kafka did not answer.
            ConfigurationError: Kafka has no topic of lifecycle events.
        """
        self._loop.run(self._open())

    def ask(self, requests: Sequence[CloudEvent]) -> None:
        """Ask for jobs, and wait until Kafka has all requests.

        Raises:
            KafkaUnavailable: Kafka did not answer.
        """
        self._loop.run(publish(self._settings, requests))

    def put(self, records: Sequence[Record]) -> None:
        """Put records on their topics as they are, by their keys, and wait until Kafka has them all.

        Raises:
            KafkaUnavailable: Kafka did not answer.
        """
        self._loop.run(self._put(records))

    def close(self) -> None:
        """Follow no more."""
        self._loop.run(self._connections.aclose())

    async def _open(self) -> None:
        tail = await self._connections.enter_async_context(Tail(self._settings.kafka, topics.EVENTS, "beginning"))
        following = asyncio.create_task(self._follow(tail))
        self._connections.push_async_callback(asyncio.wait, [following])
        self._connections.callback(following.cancel)

    async def _put(self, records: Sequence[Record]) -> None:
        async with connected_raw(self._settings.kafka, _CLIENT_ID) as producer:
            await producer.acknowledged(
                [await producer.raw(each.topic, each.key, each.value, each.headers) for each in records]
            )

    async def _follow(self, tail: Tail) -> None:
        try:
            # A job's events are all in one partition, in causal order; partitions follow one another as they come.
            async for records in tail.polls():
                self.story.tell([event for record in records if (event := _event(record)) is not None])
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait have to hear of it
            self.story.break_off(error)


@contextmanager
def connected(settings: Settings, logs: str) -> Iterator[Wire]:
    """A wire to the deployment that these settings name, until the end of the context.

    Raises:
        KafkaUnavailable: Kafka did not answer.
        ConfigurationError: Kafka has no topic of lifecycle events.
    """
    loop = Loop()
    try:
        wire = Wire(settings, loop, logs)
        wire.open()
        try:
            yield wire
        finally:
            wire.close()
    finally:
        loop.close()


def _event(record: Record) -> CloudEvent | None:
    try:
        return from_record(record.headers, record.value)
    except PoisonRecord:
        return None  # somebody's record that is no event belongs to no job
