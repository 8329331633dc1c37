"""The ledger: the state of every job, in Redis."""

from .admission import Held, Pending, Standing
from .change import Ask, Change, Committed, Released, Timer, Versioned
from .listing import Page
from .rollouts import RolloutState
from .state import OPEN, PASSED, EarlyEvent, JobState, JobStatus, NodeState, NodeStatus
from .store import Ledger

__all__ = [
    "OPEN",
    "PASSED",
    "Ask",
    "Change",
    "Committed",
    "EarlyEvent",
    "Held",
    "JobState",
    "JobStatus",
    "Ledger",
    "NodeState",
    "NodeStatus",
    "Page",
    "Pending",
    "Released",
    "RolloutState",
    "Standing",
    "Timer",
    "Versioned",
]
