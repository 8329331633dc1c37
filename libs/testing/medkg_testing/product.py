"""The whole product as whoever starts it hands it over."""

from typing import Protocol


class Product(Protocol):
    """A running product.

    Attributes:
        kafka: bootstrap server, ``127.0.0.1:port``.
        redis_url: the ledger's Redis.
        opensearch_url: the search index.
        replay_url: the source of recorded studies, which ingest asks.
        logs: where a person finds the services' logs, as part of a sentence.
    """

    kafka: str
    redis_url: str
    opensearch_url: str
    replay_url: str
    logs: str

    def scale(self, service: str, replicas: int) -> None:
        """Have exactly this many of a service.

        Raises:
            ConfigurationError: there is no such service, or it cannot have that many.
            ResourceUnavailable: one of them did not come up.
        """
        ...
