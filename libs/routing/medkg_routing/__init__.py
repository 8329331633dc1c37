"""The pure decision: what happens next to a job."""

from .advance import abandon, advance
from .begin import admit, check_own, newest_plan, reject
from .inbound import (
    Cancel,
    Deferred,
    Happening,
    Inbound,
    JobEvent,
    Origin,
    Pause,
    Reload,
    Requested,
    Rerun,
    Resume,
    ScopeOrdered,
    Spoke,
    TimerFired,
)
from .outbound import ignored_event, to_event, topology_label
from .reading import about, broken, read
from .restart import rerun
from .step import Emit, Step, ignore

__all__ = [
    "Cancel",
    "Deferred",
    "Emit",
    "Happening",
    "Inbound",
    "JobEvent",
    "Origin",
    "Pause",
    "Reload",
    "Requested",
    "Rerun",
    "Resume",
    "ScopeOrdered",
    "Spoke",
    "Step",
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
    "to_event",
    "topology_label",
]
