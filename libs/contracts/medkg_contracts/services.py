"""What a service is, as its ``app.py`` declares it and the entry points `medkg.services` name it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from enum import StrEnum
from importlib.metadata import EntryPoint, entry_points
from typing import ClassVar, Final, Literal

from .errors import ConfigurationError

#: Where packages say which services they have: ``<name> = "<module>:<declaration>"``.
GROUP: Final = "medkg.services"

#: What a service can reach: Kafka; Redis and the search index; sources of records.
Network = Literal["events", "stores", "sources"]


class ServiceKind(StrEnum):
    """What a service's process does: runs a stage, consumes without one, or answers HTTP."""

    STAGE = "stage"
    WORKER = "worker"
    HTTP = "http"


@dataclass(frozen=True)
class Service(ABC):
    """A service. What runs it derives from this; what starts it, builds its image or documents it reads this.

    Attributes:
        name: of its process, its image and its container.
        description: what it does, in one sentence without a full stop.
        networks: what it needs to reach.
        memory_mb: what its own process may use, in MiB.
        port: at which it answers others, unless ``MK_<NAME>_PORT`` says otherwise; None for one that nobody calls.
        image: the target of ``deploy/images/Dockerfile`` that its image is built of.
        environment: settings of its container besides those that all containers have; a value may name variables of
            the compose file.
    """

    kind: ClassVar[ServiceKind]

    name: str
    _: KW_ONLY
    description: str = ""
    networks: tuple[Network, ...] = ("events", "stores")
    memory_mb: int = 512
    port: int | None = None
    image: str = "stage"
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def port_variable(self) -> str:
        """The environment variable of its port."""
        return self._variable("PORT")

    @property
    def host_variable(self) -> str:
        """The environment variable of the address that it listens on."""
        return self._variable("HOST")

    @property
    def container_memory_mb(self) -> int:
        """What its container may use, in MiB."""
        return self.memory_mb

    def _variable(self, setting: str) -> str:
        return f"MK_{self.name.upper().replace('-', '_')}_{setting}"

    @abstractmethod
    def run(self) -> None:
        """Run it in this process until SIGTERM or SIGINT.

        Raises:
            SystemExit: it cannot start, or failed while it ran; the end of its log says why.
        """


def installed() -> dict[str, EntryPoint]:
    """The entry points of all services of this environment, by the services' names; none of them is loaded."""
    return {entry.name: entry for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name)}


def load(entry: EntryPoint) -> Service:
    """The declaration that an entry point names.

    Raises:
        ConfigurationError: it cannot be loaded, is none, or has another name.
    """
    try:
        service = entry.load()
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(f"the service {entry.name} ({entry.value}) cannot be loaded: {error}") from error
    if not isinstance(service, Service) or service.name != entry.name:
        raise ConfigurationError(f"{entry.value} declares no service {entry.name!r}, as {GROUP} says")
    return service
