"""Writes to the changelog of vectors."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any, Final

from medkg_contracts import topics
from medkg_contracts.changelog import ChangelogRecord, VectorChange, write_change
from medkg_contracts.errors import KafkaUnavailable

from .clients import partition_of
from .producer import RecordProducer, connected_raw

_MISSING: Final = "Create the topic: `medkg topics provision`."


class VectorChangelog:
    """A producer of changes. It connects when there is one: who writes no vectors needs no Kafka.

    Args:
        bootstrap: Kafka's address.
        client_id: the producer's name.
        source: of the events, such as ``/medkg/index``.
    """

    def __init__(self, bootstrap: str, client_id: str, source: str) -> None:
        self._bootstrap = bootstrap
        self._client_id = client_id
        self._source = source
        self._stack = AsyncExitStack()
        self._connecting = asyncio.Lock()
        self._producer: RecordProducer | None = None
        self._partitions: Sequence[int] = ()

    async def close(self) -> None:
        """Disconnects."""
        await self._stack.aclose()

    async def write(self, groups: Sequence[Sequence[VectorChange]]) -> list[KafkaUnavailable | None]:
        """Sends the changes of all groups; each group's error, or None where Kafka has acknowledged all of it.

        All that is about one document is in one partition in the order of its group.
        """
        if not any(groups):
            return [None] * len(groups)
        try:
            producer = await self._connected()
        except KafkaUnavailable as error:
            return [error if group else None for group in groups]
        sent = [await self._send(producer, group) for group in groups]
        return [await self._acknowledged(each) for each in sent]

    async def _connected(self) -> RecordProducer:
        async with self._connecting:
            if self._producer is None:
                async with AsyncExitStack() as stack:
                    producer = await stack.enter_async_context(connected_raw(self._bootstrap, self._client_id))
                    partitions = await producer.partitions(topics.VECTORS)
                    if not partitions:
                        raise KafkaUnavailable(f"Kafka has no topic {topics.VECTORS}", remedy=_MISSING)
                    self._stack = stack.pop_all()
                self._producer, self._partitions = producer, sorted(partitions)
            return self._producer

    async def _send(
        self, producer: RecordProducer, group: Sequence[VectorChange]
    ) -> list[asyncio.Future[Any]] | KafkaUnavailable:
        now = datetime.now(UTC)
        futures: list[asyncio.Future[Any]] = []
        try:
            for change in group:
                record = write_change(change, now, self._source)
                futures += [
                    await producer.raw(topics.VECTORS, record.key, record.value, record.headers, partition)
                    for partition in self._places(record)
                ]
        except KafkaUnavailable as error:
            return error
        return futures

    def _places(self, record: ChangelogRecord) -> Sequence[int]:
        if record.place is None:
            return self._partitions
        return [partition_of(record.place.encode(), len(self._partitions))]

    @staticmethod
    async def _acknowledged(sent: list[asyncio.Future[Any]] | KafkaUnavailable) -> KafkaUnavailable | None:
        if isinstance(sent, KafkaUnavailable):
            return sent
        try:
            await RecordProducer.acknowledged(sent)
        except KafkaUnavailable as error:
            return error
        return None
