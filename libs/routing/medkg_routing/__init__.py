"""The pure decision: what happens next to a job."""

from .advance import abandon, admit, advance, ignore, reject
from .inbound import Inbound, Origin, Reload, Requested, Spoke, TimerFired, read, unreadable
from .outbound import ignored_event, to_event, topology_label
from .turn import Emit, Step

__all__ = [
    "Emit",
    "Inbound",
    "Origin",
    "Reload",
    "Requested",
    "Spoke",
    "Step",
    "TimerFired",
    "abandon",
    "admit",
    "advance",
    "ignore",
    "ignored_event",
    "read",
    "reject",
    "to_event",
    "topology_label",
    "unreadable",
]
