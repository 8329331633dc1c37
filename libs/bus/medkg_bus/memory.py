"""The bus in memory, for unit tests: a producer client that keeps what it is given."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aiokafka.errors import ProducerClosed
from medkg_contracts.cloudevents import CloudEvent, Header, from_record
from medkg_contracts.errors import PoisonRecord

#: The partitions that every topic has here.
PARTITIONS: Final = frozenset(range(6))


@dataclass
class Sent:
    """A record that a producer was given; without a partition, its key was to say which."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: list[Header]
    partition: int | None = None

    @property
    def event(self) -> CloudEvent:
        """The event that it is.

        Raises:
            PoisonRecord: it is none.
        """
        return from_record(self.headers, self.value)

    @property
    def what(self) -> tuple[str, str]:
        """Its topic and the last two words of its event's type, or ``""`` where it is none."""
        try:
            return self.topic, ".".join(self.event.type.split(".")[-2:])
        except PoisonRecord:
            return self.topic, ""


class MemoryBatch:
    """A batch of one record."""

    def append(
        self, *, timestamp: int | None, key: bytes | None, value: bytes | None, headers: Sequence[Header]
    ) -> None:
        """Put the record into it; Kafka dates it, whatever `timestamp` says."""
        del timestamp
        self.record = key, value, headers


class MemoryProducer:
    """Stands for the client of an `EventProducer`: it acknowledges each record in the loop's next round.

    Args:
        refusing: what the records are refused with; None takes them.
        closed: it takes no record at all.

    Attributes:
        log: ``("sent" or "acknowledged", record)``, in order.
    """

    def __init__(self, refusing: Exception | None = None, *, closed: bool = False) -> None:
        self.log: list[tuple[str, Sent]] = []
        self._closed = closed
        self.refusing = refusing

    async def partitions_for(self, topic: str) -> frozenset[int]:  # noqa: ARG002 - every topic has the same
        """The partitions of a topic."""
        return PARTITIONS

    async def send(
        self,
        topic: str,
        *,
        value: bytes | None,
        key: bytes | None,
        headers: Sequence[Header],
        partition: int | None = None,
    ) -> asyncio.Future[None]:
        """Take a record; the future ends when it is acknowledged.

        Raises:
            ProducerClosed: the producer was made closed.
        """
        if self._closed:
            raise ProducerClosed
        record = Sent(topic, key, value, list(headers), partition)
        self.log.append(("sent", record))
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        loop.call_soon(self._acknowledge, future, record, self.refusing)
        return future

    def create_batch(self) -> "MemoryBatch":
        """A batch, to be sent by itself."""
        return MemoryBatch()

    async def send_batch(self, batch: "MemoryBatch", topic: str, *, partition: int) -> asyncio.Future[None]:
        """Take a batch of one record, as `send` does."""
        key, value, headers = batch.record
        return await self.send(topic, key=key, value=value, headers=headers, partition=partition)

    def _acknowledge(self, future: asyncio.Future[None], record: Sent, refusing: Exception | None) -> None:
        if future.cancelled():
            return
        if refusing is not None:
            future.set_exception(refusing)
        else:
            self.log.append(("acknowledged", record))
            future.set_result(None)

    @property
    def sent(self) -> list[Sent]:
        """All records that it was given."""
        return [record for what, record in self.log if what == "sent"]

    def on(self, topic: str) -> list[Sent]:
        """Those of a topic."""
        return [record for record in self.sent if record.topic == topic]
