"""Obeys operators' orders about stages and tenants, and answers those that cannot be obeyed."""

from collections.abc import Sequence

from medkg_bus.producer import EventProducer
from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.data import ControlRefused
from medkg_contracts.errors import MedkgError
from medkg_contracts.ids import digest
from medkg_contracts.kinds import Kind
from medkg_ledger.store import Ledger
from medkg_routing import Origin, ScopeOrdered

from .notices import notice, tell
from .release import release


class Operating:
    """What the router does with orders that are about no single job."""

    def __init__(self, ledger: Ledger, producer: EventProducer) -> None:
        self._ledger = ledger
        self._producer = producer

    async def obey(self, orders: Sequence[ScopeOrdered]) -> None:
        """Pause or resume stages and tenants, and say so.

        Raises:
            LedgerUnavailable: Redis does not answer.
            KafkaUnavailable: nor does Kafka.
        """
        for ordered in orders:
            if ordered.paused:
                await self._ledger.pause(ordered.order.begins)
            else:
                for each in ordered.order.ends:
                    await self._ledger.resume(each)
            await tell(self._producer, _obeyed(ordered))
        if any(not ordered.paused for ordered in orders):
            await release(self._ledger, self._producer)


def refused(origin: Origin, about: str, error: MedkgError) -> CloudEvent:
    """The answer to an order that cannot be obeyed."""
    data = ControlRefused(type=origin.type, event_id=origin.event_id, error=error.info)
    identity = digest("refused", about, origin.identity, error.info.message)
    return notice(Kind.CONTROL_REFUSED, data, about, event_id=identity, cause=origin)


def _obeyed(ordered: ScopeOrdered) -> CloudEvent:
    kind = Kind.SCOPE_PAUSED if ordered.paused else Kind.SCOPE_RESUMED
    identity = digest(kind, ordered.origin.identity)
    return notice(kind, ordered.order, ordered.order.subject, event_id=identity, cause=ordered.origin)
