"""The pure decision: what happens next to a job."""

from .advance import abandon, advance
from .begin import admit, check_own, newest_plan, reject
from .decision import Decision, IgnoredEvent, ignore
from .emit import Emit
from .inbound import (
    Cancel,
    Deferred,
    Happening,
    Inbound,
    JobEvent,
    NodeEnded,
    Origin,
    Pause,
    Reload,
    Requested,
    Rerun,
    Resume,
    ScopeOrdered,
    TimerFired,
)
from .interpretation import about, broken, read
from .outbound import ignored_event, timer_due, to_event, topology_label
from .restart import rerun

__all__ = [
    "Cancel",
    "Decision",
    "Deferred",
    "Emit",
    "Happening",
    "IgnoredEvent",
    "Inbound",
    "JobEvent",
    "NodeEnded",
    "Origin",
    "Pause",
    "Reload",
    "Requested",
    "Rerun",
    "Resume",
    "ScopeOrdered",
    "TimerFired",
    "abandon",
    "about",
    "admit",
    "advance",
    "broken",
    "check_own",
    "ignore",
    "ignored_event",
    "newest_plan",
    "read",
    "reject",
    "rerun",
    "timer_due",
    "to_event",
    "topology_label",
]
