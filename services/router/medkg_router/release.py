"""Sends the requests for work that have waited for credit, when there is some."""

from medkg_bus.producer import EventProducer
from medkg_ledger.store import Ledger
from medkg_routing.outbox import unpack


async def release(ledger: Ledger, producer: EventProducer) -> None:
    """Send what the ledger lets go, of all stages.

    The commits do this too, for the stages that they touch: this is for credit that appears otherwise, when a pause
    ends or a window grows.

    Raises:
        LedgerUnavailable: Redis does not answer.
        KafkaUnavailable: nor does Kafka; what was let go stands in the outbox then.
    """
    released = await ledger.release()
    await producer.deliver([record for each in released for record in unpack(each.record)])
    await ledger.forget([each.entry for each in released])
