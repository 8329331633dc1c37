"""Sends outbox entries that a crash has left behind."""

import logging

from medkg_bus.producer import EventProducer
from medkg_ledger.store import Ledger
from medkg_routing.outbox import unpack

logger = logging.getLogger(__name__)


class OutboxRelay:
    """Looks into the outbox: all that is there at the start, later what was there at the last look too."""

    def __init__(self, ledger: Ledger, producer: EventProducer) -> None:
        self._ledger = ledger
        self._producer = producer
        self._seen: set[str] | None = None

    async def send(self) -> None:
        """Send what somebody has left.

        Raises:
            LedgerUnavailable: Redis does not answer.
            KafkaUnavailable: nor does Kafka.
        """
        entries = await self._ledger.outbox()
        for entry, records in entries.items():
            if self._seen is None or entry in self._seen:
                logger.warning("sending what the outbox still holds of %s", entry)
                await self._producer.deliver(unpack(records))
                await self._ledger.forget([entry])
        self._seen = set(entries)
