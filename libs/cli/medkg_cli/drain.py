"""`medkg drain`: lets stages finish what they have been given, before maintenance."""

from collections.abc import Mapping
from time import monotonic
from typing import Annotated, Final

import typer
from medkg_ledger import Pending
from medkg_operations import drain as operation
from medkg_operations.stages import check_stages, known_stages

from .exits import ExitCode, fail, run
from .identity import SOURCE, login
from .order_command import ByOption, ReasonOption, answer_line
from .output import JsonOption, print_json, say, show, table
from .settings import load_settings

#: Seconds between two lines that say how far it is.
TELL_S: Final = 2.0


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
    drained = run(
        operation.drain(
            settings, services, _Teller().tell, by=by or login(), reason=reason, source=SOURCE, timeout_s=timeout
        )
    )
    if drained.refused:
        show(*(answer_line(answer) for answer in drained.refused))
        raise fail(ExitCode.FAILED)
    pending = drained.pending
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


class _Teller:
    """Says now and then what is still in flight."""

    def __init__(self) -> None:
        self._told = 0.0

    def tell(self, busy: Mapping[str, int]) -> None:
        if monotonic() - self._told >= TELL_S:
            say(f"still {operation.in_words(busy)}")
            self._told = monotonic()
