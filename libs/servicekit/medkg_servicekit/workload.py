"""What a service does from its start to its end."""

from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from medkg_bus.consumer import BatchConsumer

from .health import Check


class Server(Protocol):
    """Answers requests of others."""

    async def start(self) -> None:
        """Listen, and answer from now on.

        Raises:
            ConfigurationError: its port is taken.
        """
        ...

    async def stop(self) -> None:
        """Take no more requests, and finish those that are being answered."""
        ...

    @property
    def problem(self) -> str | None:
        """What keeps it from getting on; None when nothing does."""
        ...


@dataclass(frozen=True)
class Workload:
    """What a service does once all that it needs is there.

    Attributes:
        consumers: read topics.
        background: run beside them until the service ends; one that raises ends the service.
        server: answers requests.
        checks: of readiness, besides that the consumers have partitions.
    """

    consumers: Sequence[BatchConsumer] = ()
    background: Sequence[Coroutine[Any, Any, None]] = ()
    server: Server | None = None
    checks: Sequence[Check] = ()
