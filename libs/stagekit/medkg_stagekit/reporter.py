"""Tells on Kafka what a stage service does, and publishes the items that an expanding stage finds."""

import asyncio
from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from typing import Any

from medkg_bus.producer import EventProducer
from medkg_contracts import topics
from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.errors import MedkgError
from medkg_contracts.policy import Policy
from medkg_contracts.requests import JobRequest

from . import lifecycle_events, metrics
from .guard import Verdict
from .observer import Observer
from .work import Work

#: What the batch at hand has sent and Kafka has not acknowledged yet; batches may overlap, each in a task of its own.
_UNACKNOWLEDGED: ContextVar[list[asyncio.Future[Any]]] = ContextVar("unacknowledged")


class Reporter(Observer):
    """Sends a service's events, and knows which of them Kafka has.

    Args:
        service: whose events they are.
        producer: sends them.
    """

    def __init__(self, service: str, producer: EventProducer) -> None:
        self._service = service
        self._producer = producer

    @staticmethod
    def begin() -> None:
        """A batch begins: nothing of it is sent yet."""
        _UNACKNOWLEDGED.set([])

    async def send(self, topic: str, event: CloudEvent) -> None:
        """Hand an event to the producer.

        Raises:
            KafkaUnavailable: it cannot take it.
        """
        self.add([await self._producer.send(topic, event)])

    @staticmethod
    def add(futures: Iterable[asyncio.Future[Any]]) -> None:
        """These records are sent too."""
        _UNACKNOWLEDGED.get().extend(futures)

    async def acknowledge(self) -> None:
        """Wait until Kafka has acknowledged all that the batch has sent.

        Raises:
            KafkaUnavailable: it has not.
        """
        futures = list(_UNACKNOWLEDGED.get())
        _UNACKNOWLEDGED.get().clear()
        await self._producer.acknowledged(futures)

    async def started(self, work: Work) -> None:
        """Say that the work begins."""
        await self.send(topics.EVENTS, lifecycle_events.started(self._service, work))

    async def retrying(self, work: Work, retry: int, error: MedkgError, wait_s: float) -> None:
        """Say that the work will be tried again."""
        metrics.retried(work.node, error.code)
        await self.send(topics.EVENTS, lifecycle_events.retrying(self._service, work, retry, error, wait_s))

    async def breaker_turned(self, policy: Policy, verdict: Verdict, error: MedkgError | None) -> None:
        """Say that a breaker has opened or closed."""
        await self.send(topics.EVENTS, lifecycle_events.breaker_turned(self._service, policy, verdict, error))

    async def publish_items(self, work: Work, requests: Sequence[JobRequest]) -> None:
        """Publish a batch's items as job requests, and wait until Kafka has them."""
        for request in requests:
            await self.send(topics.REQUESTS, lifecycle_events.item_requested(self._service, work, request))
        await self.acknowledge()
