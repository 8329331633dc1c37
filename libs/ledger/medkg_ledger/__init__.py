"""The ledger: the state of every job, in Redis.

Everybody reads it by `LedgerReader`. Who writes it imports `medkg_ledger.store.Ledger`, which only the router, the
rebuild and the migration do.
"""

from .admission import ControlState, Held, Pending
from .change import Ask, Change, Committed, Released, Timer, Versioned
from .effects import NO_EFFECTS, Effects
from .listing import Page
from .reader import LedgerReader
from .refusal import unavailable
from .rollouts import RolloutState
from .state import OPEN, PASSED, EarlyEvent, JobState, JobStatus, NodeState, NodeStatus

__all__ = [
    "NO_EFFECTS",
    "OPEN",
    "PASSED",
    "Ask",
    "Change",
    "Committed",
    "ControlState",
    "EarlyEvent",
    "Effects",
    "Held",
    "JobState",
    "JobStatus",
    "LedgerReader",
    "NodeState",
    "NodeStatus",
    "Page",
    "Pending",
    "Released",
    "RolloutState",
    "Timer",
    "Versioned",
    "unavailable",
]
