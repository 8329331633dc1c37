"""Conclusions about the router: what it has yet to read or send, timers it has yet to fire, a ledger that refuses."""

from medkg_contracts.errors import LedgerUnavailable
from medkg_contracts.records import Record

from .causes import Cause
from .facts import Reader
from .finding import Finding, said


def unread(record: Record, router: Reader, stage: str | None, what: str) -> Finding:
    """The router has yet to read a record that brings the job on; `what` names the record."""
    behind = record.offset - router.committed
    dead = f"{what} has come, but no router reads it"
    return _blamed(router, stage, dead, f"the router has yet to read {what}; {behind} records stand before it", record)


def overdue(seconds: float, router: Reader, stage: str, what: str) -> Finding:
    """The router has yet to fire a timer that has been due for so many seconds; `what` names the timer."""
    late = f"{what} has been due for {seconds:.0f} s"
    return _blamed(router, stage, f"{late}, but no router runs", f"{late}, and the router has yet to act on it")


def unsent(router: Reader, stage: str) -> Finding:
    """The router has yet to send a request that the ledger's outbox has."""
    what = f"the request for {stage}"
    return _blamed(router, stage, f"no router runs to send {what}", f"the router has yet to send {what}")


def unwritten(error: LedgerUnavailable) -> Finding:
    """The ledger can be read and not written: no job takes a step, whatever else keeps it, and no order is obeyed."""
    return Finding(
        Cause.LEDGER_REFUSES,
        f"the router cannot write to the ledger: {error}",
        error.info.remedy,
        waiting_on="Redis to take writes",
        last_error=said(error.info),
    )


def _blamed(router: Reader, stage: str | None, dead: str, behind: str, record: Record | None = None) -> Finding:
    place = None if record is None else str(record.place)
    if router.owner is None:
        action = "Start it: `medkg restart router`; its log is `medkg logs router`."
        return Finding(Cause.ROUTER_DEAD, dead, action, stage, place, "a running router")
    action = "Wait; if it stays so, look at `medkg logs router`."
    return Finding(Cause.ROUTER_BEHIND, behind, action, stage, place, router.owner)
