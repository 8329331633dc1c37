"""How events and dead letters get to Kafka."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final, Literal

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from medkg_artifacts import SYSTEM_TENANT, ArtifactStore, deposit
from medkg_contracts.cloudevents import CloudEvent, to_headers
from medkg_contracts.deadletter import STORED_RECORD, DeadLetter, pack_record
from medkg_contracts.errors import KafkaUnavailable
from medkg_contracts.records import Record
from medkg_routing.outbox import OutboxRecord

from .clients import partition_of, producer_client

#: Bytes of a record that fits on a DLQ. A larger one can only have been sent compressed; it goes to the store.
LARGEST_LETTER: Final = 1_114_112

#: Bytes of a record that its own topic takes as it is: what Kafka writes around it needs the rest.
LARGEST_COPY: Final = LARGEST_LETTER - 4_096


@asynccontextmanager
async def connected(
    bootstrap: str, client_id: str, store: ArtifactStore, compression: Literal["zstd"] | None = None
) -> AsyncIterator["EventProducer"]:
    """A producer of events, with a client of its own.

    Raises:
        KafkaUnavailable: Kafka does not answer.
    """
    async with _started(bootstrap, client_id, compression) as client:
        yield EventProducer(client, store)


@asynccontextmanager
async def connected_raw(bootstrap: str, client_id: str) -> AsyncIterator["RecordProducer"]:
    """A producer of records as they are, with a client of its own.

    Raises:
        KafkaUnavailable: Kafka does not answer.
    """
    async with _started(bootstrap, client_id, None) as client:
        yield RecordProducer(client)


@asynccontextmanager
async def _started(
    bootstrap: str, client_id: str, compression: Literal["zstd"] | None
) -> AsyncIterator[AIOKafkaProducer]:
    client = producer_client(bootstrap, client_id, compression)
    try:
        try:
            await client.start()
        except (KafkaError, OSError) as error:
            raise KafkaUnavailable(f"Kafka at {bootstrap}: {error!r}") from error
        yield client
    finally:
        await client.stop()


class RecordProducer:
    """Sends records as they are."""

    def __init__(self, client: AIOKafkaProducer) -> None:
        self._client = client

    async def partitions(self, topic: str) -> frozenset[int]:
        """The numbers of the topic's partitions; none when Kafka has no such topic.

        Raises:
            KafkaUnavailable: Kafka does not answer.
        """
        try:
            metadata = await self._client.client.fetch_all_metadata()
        except (KafkaError, OSError) as error:
            raise KafkaUnavailable(f"looking for {topic}: {error!r}") from error
        return frozenset(metadata.partitions_for_topic(topic) or ())

    async def raw(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes | None]],
        partition: int | None = None,
    ) -> asyncio.Future[Any]:
        """Hand a record to the producer as it is; its key says where it goes, unless the topic has this partition.

        Raises:
            KafkaUnavailable: the producer cannot take it.
        """
        try:
            if partition is not None and partition not in await self._client.partitions_for(topic):
                partition = None
            if key is None and value is None:
                return await self._alone(topic, key, value, headers, partition or 0)
            future: asyncio.Future[Any] = await self._client.send(
                topic, value=value, key=key, headers=list(headers), partition=partition
            )
        except KafkaError as error:
            raise KafkaUnavailable(f"sending to {topic}: {error!r}") from error
        return future

    async def _alone(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes | None]],
        partition: int,
    ) -> asyncio.Future[Any]:
        """Send a record in a batch of its own: `send` refuses large ones, and those with neither key nor value."""
        batch = self._client.create_batch()
        batch.append(timestamp=None, key=key, value=value, headers=list(headers))
        future: asyncio.Future[Any] = await self._client.send_batch(batch, topic, partition=partition)
        return future

    async def home(self, topic: str, about: str) -> int:
        """The partition of the topic where all that is about this job stands, or about whatever this names.

        Raises:
            KafkaUnavailable: Kafka does not tell how the topic is cut.
        """
        try:
            return partition_of(about.encode(), len(await self._client.partitions_for(topic)))
        except KafkaError as error:
            raise KafkaUnavailable(f"asking about {topic}: {error!r}") from error

    async def resend(self, record: Record) -> str | None:
        """Send a record again where it stood; why Kafka does not take it, or None when it has.

        Raises:
            KafkaUnavailable: Kafka does not answer; another try can help.
        """
        try:
            await (await self._alone(record.topic, record.key, record.value, record.headers, record.partition))
        except KafkaError as error:
            if error.retriable:
                raise KafkaUnavailable(f"sending to {record.topic}: {error!r}") from error
            return f"Kafka does not take it: {error!r}"
        return None

    async def deliver(self, records: Sequence[OutboxRecord]) -> None:
        """Send these, and wait until Kafka has them.

        Raises:
            KafkaUnavailable: it has not acknowledged all.
        """
        await self.acknowledged(
            [await self.raw(each.topic, each.key.encode(), each.value, each.headers) for each in records]
        )

    @staticmethod
    async def acknowledged(futures: Sequence[asyncio.Future[Any]]) -> None:
        """Wait until Kafka has acknowledged all.

        Raises:
            KafkaUnavailable: one of them it has not.
        """
        failed: KafkaError | None = None
        # One after the other: records of one request are acknowledged together, and `gather` would call back for each.
        for future in futures:
            try:
                await future
            except KafkaError as error:
                failed = error
        if failed is not None:
            raise KafkaUnavailable(f"waiting for an acknowledgement: {failed!r}") from failed


class EventProducer(RecordProducer):
    """Sends events and dead letters."""

    def __init__(self, client: AIOKafkaProducer, store: ArtifactStore) -> None:
        super().__init__(client)
        self._store = store

    async def send(self, topic: str, event: CloudEvent) -> asyncio.Future[Any]:
        """Hand the event to the producer; the future ends when Kafka has acknowledged it."""
        event = await deposit(event, self._store)
        key = event.extensions["partitionkey"].encode()
        return await self.raw(topic, key, event.data, to_headers(event))

    async def bury(self, topic: str, letter: DeadLetter, partition: int | None = None) -> asyncio.Future[Any]:
        """Hand a dead letter to the producer; it goes to this partition or to its record's, whatever the key.

        Raises:
            KafkaUnavailable: the producer cannot take it.
            ArtifactStoreUnavailable: it is too large for a record, and the store cannot take it.
        """
        record = letter.original
        where = record.partition if partition is None else partition
        if size(record) <= LARGEST_LETTER:
            return await self.raw(topic, record.key, record.value, letter.headers(), where)
        ref = await self._store.put(SYSTEM_TENANT, "dead-letter", pack_record(record), inline=False)
        reason = replace(letter, original=replace(record, headers=())).headers()
        headers = [*reason, (STORED_RECORD, str(ref.uri).encode())]
        return await self.raw(topic, (record.key or b"")[:1024], None, headers, where)


def size(record: Record) -> int:
    """Bytes of the record's key, value and headers."""
    parts = [
        record.key,
        record.value,
        *(raw for _, raw in record.headers),
        *(name.encode() for name, _ in record.headers),
    ]
    return sum(len(part) for part in parts if part is not None)
