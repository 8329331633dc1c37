"""A service that consumes without running a stage: the router, a view of the events, lineage."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, ClassVar

from medkg_contracts.services import Service, ServiceKind
from medkg_contracts.settings import Settings

from .hosting import host
from .workload import Workload


@dataclass(frozen=True)
class WorkerService(Service):
    """A service of consumers and background work.

    Attributes:
        settings: the settings' class; read from the environment when the service starts.
        prepare: opens what the service needs, to be closed with the stack, and says what there is to do. It is called
            again while something that it needs is away.
    """

    kind: ClassVar[ServiceKind] = ServiceKind.WORKER

    settings: type[Settings]
    prepare: Callable[[Any, AsyncExitStack], Awaitable[Workload]]

    def run(self) -> None:
        """Run it in this process until SIGTERM or SIGINT; what is in work then is finished first."""
        host(self.name, self.settings, self.prepare)
