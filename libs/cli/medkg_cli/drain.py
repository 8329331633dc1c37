"""`medkg drain`: lets stages finish what they have been given, before maintenance."""

import asyncio
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Annotated, Final

import typer
from medkg_contracts.errors import Unfinished
from medkg_contracts.kinds import Kind
from medkg_contracts.settings import Settings
from medkg_ledger import LedgerReader, Pending
from medkg_operations.control import order_event
from medkg_operations.stages import check_stages, known_stages

from .exits import ExitCode, fail, run
from .order_command import ByOption, ReasonOption, answer_line, answered
from .output import JsonOption, print_json, say, show, table
from .pausing import scope_order
from .settings import load_settings

#: Seconds between two looks at what is in flight.
LOOK_S: Final = 0.5

#: Seconds between two lines that say how far it is.
TELL_S: Final = 2.0

#: Seconds that the router may take to answer.
ANSWER_S: Final = 30.0

#: What to do about a drain that takes too long.
STILL: Final = (
    "They stay drained. `medkg drain` goes on waiting, `medkg explain JOB` says what one waits for, "
    "`medkg resume` undoes it."
)


def drain(
    *,
    stage: Annotated[list[str] | None, typer.Option(help="Only this stage's service; repeatable. Else all.")] = None,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds that it may take until nothing is in flight.")] = 600.0,
    reason: ReasonOption = "",
    by: ByOption = None,
    json: JsonOption = False,
) -> None:
    """Give stages nothing more, wait until they have finished what they have, and say what is safe to do then.

    Jobs wait meanwhile, none is lost. `medkg resume` lets all go on.
    """
    settings = load_settings()
    run(check_stages(settings, stage or ()))
    services = sorted(set(stage)) if stage else run(known_stages(settings))
    orders = [scope_order(None, name, None, by=by, reason=reason, drain=True) for name in services]
    events = [order_event(Kind.CONTROL_PAUSE, order.subject, order) for order in orders]
    answers = run(answered(settings, events, ANSWER_S))
    if not all(answer.obeyed for answer in answers):
        show(*(answer_line(answer) for answer in answers if not answer.obeyed))
        raise fail(ExitCode.FAILED)
    pending = run(_drained(settings, services, timeout))
    if json:
        counts = {name: {"flight": each.flight, "held": each.held} for name, each in pending.items()}
        print_json({"stages": counts})
        return
    _tell(pending, everything=stage is None)


def _tell(pending: Mapping[str, Pending], *, everything: bool) -> None:
    rows = [(name, str(each.flight), str(each.held)) for name, each in pending.items()]
    show(table(None, ("stage", "in flight", "held back"), rows, numbers=("in flight", "held back")), "")
    if everything:
        show("Nothing is in flight at any stage. It is safe to stop, upgrade or scale the stage services, and to stop")
        show("the router and the servers too: what is held back is in the ledger, and new requests wait in Kafka.")
    else:
        show("Nothing is in flight at these stages. It is safe to stop, upgrade or scale their services.")
    show("`medkg resume` lets all go on.")


async def _drained(settings: Settings, services: Sequence[str], timeout_s: float) -> dict[str, Pending]:
    """Wait until nothing is in flight at these services; how they stand then.

    Raises:
        Unfinished: it took too long.
    """
    ledger = LedgerReader.from_url(settings.redis_url)
    deadline, told = monotonic() + timeout_s, 0.0
    try:
        while True:
            found = await ledger.pending()
            pending = {name: found.get(name, Pending(0, 0)) for name in services}
            busy = {name: each.flight for name, each in pending.items() if each.flight}
            if not busy:
                return pending
            if monotonic() > deadline:
                raise Unfinished(f"after {timeout_s:g} s there is still {_words(busy)}", remedy=STILL)
            if monotonic() - told >= TELL_S:
                say(f"still {_words(busy)}")
                told = monotonic()
            await asyncio.sleep(LOOK_S)
    finally:
        await ledger.close()


def _words(busy: Mapping[str, int]) -> str:
    return ", ".join(f"{count} in flight at {name}" for name, count in busy.items())
