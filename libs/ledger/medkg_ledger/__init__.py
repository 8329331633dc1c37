"""The ledger: the state of every job, in Redis."""

from .state import OPEN, PASSED, EarlyEvent, JobState, JobStatus, NodeState, NodeStatus
from .store import Change, Ledger, Page, Timer, Versioned

__all__ = [
    "OPEN",
    "PASSED",
    "Change",
    "EarlyEvent",
    "JobState",
    "JobStatus",
    "Ledger",
    "NodeState",
    "NodeStatus",
    "Page",
    "Timer",
    "Versioned",
]
