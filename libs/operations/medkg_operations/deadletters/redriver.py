"""Carries out what is to be done about dead letters, and reports what became of each."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final, Self

from aiolimiter import AsyncLimiter
from medkg_artifacts import ArtifactStore
from medkg_bus.producer import connected
from medkg_contracts import topics
from medkg_contracts.cloudevents import CloudEvent, to_headers
from medkg_contracts.deadletter import Letter
from medkg_contracts.kinds import Kind
from medkg_contracts.records import Place
from medkg_contracts.settings import Settings

from medkg_operations.control import Answer, Control
from medkg_operations.requests import CLIENT_ID

from .redrive import RedriveOptions, Task, closing_event, redriven_record, rerun_event

_KINDS: Final = {"redriven": Kind.RECORD_REDRIVEN, "discarded": Kind.RECORD_DISCARDED}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a letter.

    Attributes:
        result: ``redriven``, ``discarded``, ``skipped``, ``refused`` or ``unanswered``.
        detail: in a sentence.
    """

    letter: Letter
    result: str
    detail: str

    @property
    def good(self) -> bool:
        """Whether nothing more has to be done about it now."""
        return self.result not in ("refused", "unanswered")


class Redriver:
    """Deals with letters. Raises KafkaUnavailable when Kafka does not answer."""

    def __init__(self, settings: Settings, options: RedriveOptions) -> None:
        self._settings = settings
        self._options = options
        self._answers: dict[str, Answer] = {}
        self._partitions: dict[str, frozenset[int]] = {}
        self._connections = AsyncExitStack()
        self._limiter = None if options.rate is None else AsyncLimiter(1, 1 / options.rate)

    async def __aenter__(self) -> Self:
        """Connect."""
        store = ArtifactStore.from_url(self._settings.artifacts_url)
        async with AsyncExitStack() as stack:
            self._control = await stack.enter_async_context(Control(self._settings))
            # Compressed, since a record that is too large for a letter can only have been sent so.
            self._producer = await stack.enter_async_context(
                connected(self._settings.kafka, CLIENT_ID, store, compression="zstd")
            )
            self._connections = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Disconnect."""
        await self._connections.aclose()

    async def run(self, tasks: Sequence[Task]) -> AsyncIterator[Outcome]:
        """Do all of it; what became of each letter, as it becomes known.

        When the router does not answer, no more letters are sent.
        """
        silent = False
        for chunk in self._options.chunks(tasks):
            outcomes = [_unsent(task) for task in chunk] if silent else await self._deal_with(chunk)
            silent = silent or any(outcome.result == "unanswered" for outcome in outcomes)
            for outcome in outcomes:
                yield outcome

    async def _deal_with(self, tasks: Sequence[Task]) -> list[Outcome]:
        orders: dict[Place, CloudEvent] = {}
        outcomes: dict[Place, Outcome] = {}
        for task in tasks:
            letter = task.letter
            if task.action != "skip" and self._limiter is not None:
                await self._limiter.acquire()
            if task.action == "rerun":
                orders[letter.place] = rerun_event(letter, self._options)
            elif task.action == "resend" and (refusal := await self._resend(letter)) is not None:
                outcomes[letter.place] = Outcome(letter, "refused", refusal)
        await self._ask(orders.values())
        for task in tasks:
            order = orders.get(task.letter.place)
            answer = None if order is None else self._answers[order.id]
            outcomes.setdefault(task.letter.place, _outcome(task, answer))
        await self._close([outcomes[task.letter.place] for task in tasks])
        return [outcomes[task.letter.place] for task in tasks]

    async def _ask(self, orders: Iterable[CloudEvent]) -> None:
        """Give the orders; one that two letters of the same work have in common is given once."""
        new = {order.id: order for order in orders if order.id not in self._answers}
        if new:
            answers = await self._control.ask(list(new.values()), self._options.timeout_s)
            self._answers |= {answer.order.id: answer for answer in answers}

    async def _resend(self, letter: Letter) -> str | None:
        """Send the original record again, where it stood; why Kafka does not take it, or None when it has."""
        record = redriven_record(letter)
        if record.topic not in self._partitions:
            self._partitions[record.topic] = await self._producer.partitions(record.topic)
        if record.partition not in self._partitions[record.topic]:
            return f"Kafka has no {record.topic}/{record.partition}"
        return await self._producer.resend(record)

    async def _close(self, outcomes: Sequence[Outcome]) -> None:
        """Say what became of the letters: to all who follow the events, and behind each letter on its DLQ."""
        closed = [
            (outcome.letter.place, closing_event(_KINDS[outcome.result], outcome.letter, self._options))
            for outcome in outcomes
            if outcome.result in _KINDS
        ]
        # The DLQ last: a letter that is closed has been told of.
        await self._producer.acknowledged([await self._producer.send(topics.EVENTS, event) for _, event in closed])
        await self._producer.acknowledged([await self._file(place, event) for place, event in closed])

    async def _file(self, place: Place, event: CloudEvent) -> asyncio.Future[Any]:
        key = event.extensions["partitionkey"].encode()
        return await self._producer.raw(place.topic, key, event.data, to_headers(event), place.partition)


def _outcome(task: Task, answer: Answer | None) -> Outcome:
    if task.action == "skip":
        return Outcome(task.letter, "skipped", task.detail)
    if answer is None:
        return Outcome(task.letter, "discarded" if task.action == "discard" else "redriven", task.detail)
    if answer.obeyed:
        return Outcome(task.letter, "redriven", task.detail)
    detail = answer.refusal or "no answer from the router in time; the letter stays open, and a repeat does no harm"
    return Outcome(task.letter, answer.result, detail)


def _unsent(task: Task) -> Outcome:
    if task.action == "skip":
        return Outcome(task.letter, "skipped", task.detail)
    return Outcome(task.letter, "unanswered", "nothing was done, since the router does not answer")


async def deal_with(
    settings: Settings, tasks: Sequence[Task], options: RedriveOptions, report: Callable[[int], None]
) -> list[Outcome]:
    """Do all of it; what became of each letter.

    Args:
        settings: where the servers are.
        tasks: what is to be done.
        options: how.
        report: is told how many letters have been dealt with.

    Raises:
        KafkaUnavailable: Kafka does not answer.
    """
    outcomes: list[Outcome] = []
    if tasks:
        async with Redriver(settings, options) as redriver:
            async for outcome in redriver.run(tasks):
                outcomes.append(outcome)
                report(len(outcomes))
    return outcomes
