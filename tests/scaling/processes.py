"""The scenario's deployment as local processes."""

from pathlib import Path

from medkg_stack import Services, Stack
from medkg_stack.services import Replica
from medkg_stack.together import together

from .scenario import TOPOLOGIES


class Processes:
    """A stack with a router, and as many processes of a service as a test says. It is a `Deployment`."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self._folder = folder
        self._environment = {
            **stack.environment(),
            "MK_TOPOLOGIES": str(TOPOLOGIES),
            "PYTHONPATH": str(TOPOLOGIES.parent),
        }
        self._replicas: dict[str, list[Replica]] = {}
        self.router = Services(folder, self._environment, report=lambda _: None)
        self.kafka = stack.kafka.address
        self.redis_url = stack.redis.address

    def scale(self, service: str, replicas: int) -> None:
        """Have so many processes; see `Deployment`."""
        wanted = [Replica(self._folder, self._environment, service, number) for number in range(1, replicas + 1)]
        together(self._replicas.get(service, [])[replicas:], Replica.stop)
        self._replicas[service] = wanted
        together(wanted, Replica.start)

    def stop(self) -> None:
        """End all of them."""
        for service in self._replicas:
            self.scale(service, 0)
        self.router.stop()
