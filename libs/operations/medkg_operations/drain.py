"""Lets stages finish what they have been given, before maintenance."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Final

from medkg_contracts.errors import Unfinished
from medkg_contracts.kinds import Kind
from medkg_contracts.settings import Settings
from medkg_ledger import Pending

from .control import Answer, give, order_event, scope_order
from .views import ledger_of

#: Seconds between two looks at what is in flight.
LOOK_S: Final = 0.5

#: Seconds that the router may take to answer.
ANSWER_S: Final = 30.0

#: What to do about a drain that takes too long.
STILL: Final = (
    "They stay drained. `medkg drain` goes on waiting, `medkg explain JOB` says what one waits for, "
    "`medkg resume` undoes it."
)


@dataclass(frozen=True, slots=True)
class Drain:
    """What became of a drain.

    Attributes:
        refused: the orders that were not obeyed; nothing was waited for then.
        pending: how each stage stands, with nothing in flight.
    """

    refused: Sequence[Answer]
    pending: Mapping[str, Pending]


async def drain(
    settings: Settings,
    stages: Sequence[str],
    report: Callable[[Mapping[str, int]], None],
    *,
    by: str,
    reason: str,
    source: str,
    timeout_s: float,
) -> Drain:
    """Give these stages nothing more, and wait until they have finished what they have.

    Args:
        settings: where the servers are.
        stages: the stages' services.
        report: is told, at every look, how much is still in flight at which stage.
        by: who orders it.
        reason: why.
        source: by which program.
        timeout_s: how long it may take until nothing is in flight.

    Raises:
        Unfinished: it took too long; the stages stay drained.
        KafkaUnavailable: Kafka does not answer.
        LedgerUnavailable: the ledger does not answer.
    """
    orders = [scope_order("stage", name, by, reason, drain=True) for name in stages]
    events = [order_event(Kind.CONTROL_PAUSE, order.subject, order, source=source) for order in orders]
    refused = [answer for answer in await give(settings, events, ANSWER_S) if not answer.obeyed]
    return Drain(refused, {} if refused else await _drained(settings, stages, report, timeout_s))


async def _drained(
    settings: Settings, stages: Sequence[str], report: Callable[[Mapping[str, int]], None], timeout_s: float
) -> dict[str, Pending]:
    deadline = monotonic() + timeout_s
    async with ledger_of(settings) as ledger:
        while True:
            found = await ledger.pending()
            pending = {name: found.get(name, Pending(0, 0)) for name in stages}
            busy = {name: each.flight for name, each in pending.items() if each.flight}
            if not busy:
                return pending
            if monotonic() > deadline:
                raise Unfinished(f"after {timeout_s:g} s there is still {in_words(busy)}", remedy=STILL)
            report(busy)
            await asyncio.sleep(LOOK_S)


def in_words(busy: Mapping[str, int]) -> str:
    """What is in flight at which stages."""
    return ", ".join(f"{count} in flight at {name}" for name, count in busy.items())
