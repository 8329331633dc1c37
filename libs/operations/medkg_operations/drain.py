"""Lets stages finish what they have been given, before maintenance."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Final

from medkg_contracts.errors import Unfinished
from medkg_contracts.kinds import Kind
from medkg_contracts.settings import Settings
from medkg_explain import Explainer
from medkg_explain.causes import Cause
from medkg_ledger import LedgerReader, Pending

from .control import Answer, give, order_event, scope_order
from .views import ledger_of

#: Seconds between two looks at what is in flight.
LOOK_S: Final = 0.5

#: Seconds that the router may take to answer.
ANSWER_S: Final = 30.0

#: After so many seconds without a change it is asked whether what is in flight will ever be answered.
STUCK_S: Final = 5.0

#: So many asks of a stage are explained then.
EXPLAINED: Final = 20

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
        Unfinished: it took too long, or nobody will answer for what is left; the stages stay drained.
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
    last: Mapping[str, int] = {}
    since = monotonic()
    async with ledger_of(settings) as ledger:
        while True:
            found = await ledger.pending()
            pending = {name: found.get(name, Pending(0, 0)) for name in stages}
            busy = {name: each.flight for name, each in pending.items() if each.flight}
            if not busy:
                return pending
            if busy != last:
                last, since = busy, monotonic()
            elif monotonic() - since > STUCK_S:
                await _check_answerable(settings, ledger, busy)
                since = monotonic()
            if monotonic() > deadline:
                raise Unfinished(f"after {timeout_s:g} s there is still {in_words(busy)}", remedy=STILL)
            report(busy)
            await asyncio.sleep(LOOK_S)


async def _check_answerable(settings: Settings, ledger: LedgerReader, busy: Mapping[str, int]) -> None:
    """Look whether anybody will ever answer for what is in flight.

    Raises:
        Unfinished: nobody will: the requests are gone from their queues, or have been passed over.
    """
    async with Explainer(settings) as explainer:
        found = [await explainer.explain(job) for name in busy for job in await ledger.in_flight(name, EXPLAINED)]
    gone = [each for each in found if each.cause == Cause.RECORD_GONE]
    if gone and len(gone) == len(found):
        raise Unfinished(
            f"nobody will answer for {in_words(busy)}; of {gone[0].job_id}: {gone[0].summary}",
            remedy=f"{gone[0].next_action} It is held back until `medkg resume`; `medkg drain` goes on waiting.",
        )


def in_words(busy: Mapping[str, int]) -> str:
    """What is in flight at which stages."""
    return ", ".join(f"{count} in flight at {name}" for name, count in busy.items())
