"""The whole product as whoever starts it hands it over."""

from typing import Protocol

from medkg_operations.settings import StoreSettings


class Product(Protocol):
    """A running product. Servers are ``kafka``, ``redis``, ``opensearch`` and ``neo4j``; all else is a service.

    Attributes:
        settings: where its servers are, and its topologies: a copy that tests may change.
        replay_url: the source of recorded studies, which ingest asks.
        logs: where a person finds the services' logs, as part of a sentence.
    """

    settings: StoreSettings
    replay_url: str
    logs: str

    def scale(self, service: str, replicas: int) -> None:
        """Have exactly this many of a service.

        Raises:
            ConfigurationError: there is no such service, or it cannot have that many.
            ResourceUnavailable: one of them did not come up.
        """
        ...

    def start(self, *names: str) -> None:
        """Start these servers and services, or all of its own that do not run, and wait until they serve.

        Raises:
            ConfigurationError: there is no such server or service.
            ResourceUnavailable: one of them did not come up.
        """
        ...

    def stop(self, *names: str) -> None:
        """End these in good order.

        Raises:
            ConfigurationError: there is no such server or service.
        """
        ...

    def kill(self, name: str) -> None:
        """End all processes of a server or a service as a crash would.

        Raises:
            ConfigurationError: there is no such server or service.
        """
        ...

    def suspend(self, service: str) -> None:
        """Let all processes of a service hang.

        Raises:
            ConfigurationError: there is no such service, or it does not run.
        """
        ...

    def resume(self, service: str) -> None:
        """Let a suspended service go on.

        Raises:
            ConfigurationError: there is no such service, or it does not run.
        """
        ...
