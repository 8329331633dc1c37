"""Conclusions about the router: records that it has yet to read or to send, and timers that it has yet to fire."""

from medkg_contracts.records import Record

from .causes import Cause
from .facts import Reader
from .finding import Finding


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


def _blamed(router: Reader, stage: str | None, dead: str, behind: str, record: Record | None = None) -> Finding:
    place = None if record is None else str(record.place)
    if router.owner is None:
        action = "Start it: `medkg restart router`; its log is `medkg logs router`."
        return Finding(Cause.ROUTER_DEAD, dead, action, stage, place, "a running router")
    action = "Wait; if it stays so, look at `medkg logs router`."
    return Finding(Cause.ROUTER_BEHIND, behind, action, stage, place, router.owner)
