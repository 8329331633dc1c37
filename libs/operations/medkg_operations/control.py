"""Orders to the router: made, sent, and their answers heard."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Final, Literal, Self
from uuid import uuid4

from medkg_artifacts import ArtifactStore
from medkg_bus.producer import connected
from medkg_bus.tail import Tail
from medkg_contracts import topics
from medkg_contracts.cloudevents import CloudEvent, from_record
from medkg_contracts.data import ControlRefused, Ignored
from medkg_contracts.errors import InvalidRequest, PoisonRecord
from medkg_contracts.events import make_event, read_data
from medkg_contracts.kinds import Kind, kind_of
from medkg_contracts.model import first_violation
from medkg_contracts.orders import Order, RerunOrder, ScopeOrder
from medkg_contracts.records import Record
from medkg_contracts.settings import Settings
from pydantic import ValidationError

from .requests import CLIENT_ID

#: What an order may be about.
Scope = Literal["job", "stage", "tenant"]

#: Events with which the router answers an order; each has the order's id as its `causationid`.
_ANSWERS: Final = frozenset(
    {
        Kind.JOB_CANCELLED,
        Kind.JOB_PAUSED,
        Kind.JOB_RESUMED,
        Kind.JOB_RESTARTED,
        Kind.SCOPE_PAUSED,
        Kind.SCOPE_RESUMED,
        Kind.CONTROL_REFUSED,
        Kind.EVENT_IGNORED,
    }
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of an order.

    Attributes:
        order: the order's event.
        event: the router's answer; None when none came in time.
        kind: of the answer.
        refusal: why nothing was done; None when it was done, or was so already.
    """

    order: CloudEvent
    event: CloudEvent | None
    kind: Kind | None
    refusal: str | None

    @property
    def about(self) -> str:
        """The job, stage or tenant that it is about."""
        return self.order.extensions["jobid"]

    @property
    def result(self) -> str:
        """In a word."""
        if self.kind is None:
            return "unanswered"
        if self.refusal is not None:
            return "refused"
        return "unchanged" if self.kind is Kind.EVENT_IGNORED else self.kind.value.rpartition(".")[2]

    @property
    def obeyed(self) -> bool:
        """Whether it is as it was ordered."""
        return self.kind is not None and self.refusal is None

    def data(self) -> dict[str, object]:
        """For programs."""
        return {"about": self.about, "result": self.result, "refusal": self.refusal, "event_id": self.order.id}


def order_event(kind: Kind, about: str, order: Order, *, source: str, identity: str | None = None) -> CloudEvent:
    """The event that carries an order.

    Args:
        kind: what is ordered.
        about: the job, or ``stage:<name>`` or ``tenant:<name>``.
        order: who ordered it and why, and the rest.
        source: by which program: the event's `source`.
        identity: the event's id; the same id again is the same order. None makes a new order.
    """
    return make_event(kind, id=identity or uuid4().hex, source=source, time=datetime.now(UTC), data=order, job_id=about)


class Control:
    """Sends orders and hears what becomes of them. Raises KafkaUnavailable when Kafka does not answer."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._tail = Tail(settings.kafka, topics.EVENTS)
        self._connections = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Connect; answers are heard from now on."""
        store = ArtifactStore.from_url(self._settings.artifacts_url)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._tail)
            self._producer = await stack.enter_async_context(connected(self._settings.kafka, CLIENT_ID, store))
            self._connections = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Disconnect."""
        await self._connections.aclose()

    async def send(self, order: CloudEvent) -> asyncio.Future[object]:
        """Hand an order to Kafka; the future ends when Kafka has it."""
        return await self._producer.send(topics.CONTROL, order)

    async def ask(
        self, orders: Sequence[CloudEvent], timeout_s: float, heard: Callable[[Answer], None] = lambda _: None
    ) -> list[Answer]:
        """Send orders and wait for their answers; in the orders' own order."""
        await self._producer.acknowledged([await self.send(order) for order in orders])
        return await self.answers(orders, timeout_s, heard)

    async def answers(
        self, orders: Collection[CloudEvent], timeout_s: float, heard: Callable[[Answer], None] = lambda _: None
    ) -> list[Answer]:
        """Wait for the answers to orders that were sent; those without one in time are unanswered."""
        pending = {order.id: order for order in orders}
        answers: dict[str, Answer] = {}
        deadline = monotonic() + timeout_s
        async for records in self._tail.polls():
            for answer in (answer_in(record, pending) for record in records):
                if answer is not None:
                    del pending[answer.order.id]
                    answers[answer.order.id] = answer
                    heard(answer)
            if not pending or monotonic() > deadline:
                break
        return [answers.get(order.id) or Answer(order, None, None, None) for order in orders]


async def give(settings: Settings, orders: Sequence[CloudEvent], timeout_s: float) -> list[Answer]:
    """Give orders and wait for their answers; in the orders' own order.

    Raises:
        KafkaUnavailable: Kafka does not answer.
    """
    async with Control(settings) as control:
        return await control.ask(orders, timeout_s)


def rerun_order(by: str, reason: str, stage: str | None, *, latest: bool) -> RerunOrder:
    """The order that runs a job again from this stage on; from None, from where it failed.

    Raises:
        InvalidRequest: something of it is too long, or has characters that it cannot have.
    """
    try:
        return RerunOrder(by=by, reason=reason, stage=stage, latest=latest)
    except ValidationError as error:
        raise InvalidRequest(first_violation(error)) from error


def scope_order(scope: Scope, name: str, by: str, reason: str, *, drain: bool = False) -> ScopeOrder:
    """The order that pauses or resumes a job, a stage or a tenant; a stage may be drained instead.

    Raises:
        InvalidRequest: something of it is too long, or has characters that it cannot have.
    """
    try:
        return ScopeOrder(scope=scope, name=name, drain=drain, by=by, reason=reason)
    except ValidationError as error:
        raise InvalidRequest(first_violation(error)) from error


def answer_in(record: Record, pending: Mapping[str, CloudEvent]) -> Answer | None:
    """The answer to one of the pending orders (by id) that a lifecycle record carries, or None."""
    try:
        event = from_record(record.headers, record.value)
        order = pending.get(event.extensions.get("causationid", ""))
        kind = kind_of(event)
        if order is None or kind not in _ANSWERS:
            return None
        if event.extensions.get("causationsource", order.source) != order.source:
            return None  # the answer to another's order of the same id
        return _answer(order, event, kind)
    except PoisonRecord:
        return None  # nobody's answer


def _answer(order: CloudEvent, event: CloudEvent, kind: Kind) -> Answer | None:
    if kind is Kind.CONTROL_REFUSED:
        return Answer(order, event, kind, read_data(event, ControlRefused).error.message)
    if kind is not Kind.EVENT_IGNORED:
        return Answer(order, event, kind, None)
    match read_data(event, Ignored).reason:
        case "duplicate":
            return Answer(order, event, kind, None)
        case "job_ended":
            return Answer(order, event, kind, "the job has ended already")
    return None  # "foreign": what it is about is unknown, which control.refused says as well
