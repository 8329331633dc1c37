"""The causes that an explanation can have."""

from enum import StrEnum


class Cause(StrEnum):
    """Why a job is where it is. Of several open branches, the one whose cause stands first here is explained."""

    LEDGER_REFUSES = "ledger_refuses"
    POISON_RECORD = "poison_record"
    OPEN_TRANSACTION = "open_transaction"
    ROUTER_DEAD = "router_dead"
    RECORD_GONE = "record_gone"
    JOB_PAUSED = "job_paused"
    TENANT_PAUSED = "tenant_paused"
    STAGE_PAUSED = "stage_paused"
    NO_GPU = "no_gpu"
    NO_MODEL_SERVER = "no_model_server"
    DEAD_CONSUMER = "dead_consumer"
    OPEN_BREAKER = "open_breaker"
    WORKERS_BUSY = "workers_busy"
    GATE_CLOSED = "gate_closed"
    TIMER_NOT_DUE = "timer_not_due"
    RATE_LIMITED = "rate_limited"
    WAITING_FOR_CREDIT = "waiting_for_credit"
    RETRYING = "retrying"
    LAGGING_CONSUMER = "lagging_consumer"
    ROUTER_BEHIND = "router_behind"
    JOIN_WAITS = "join_waits"
    NOT_BEGUN = "not_begun"
    IN_WORK = "in_work"
    FAILED = "failed"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    COMPLETED = "completed"
    UNKNOWN_JOB = "unknown_job"

    @property
    def rank(self) -> int:
        """How pressing it is; the smallest is the most."""
        return tuple(Cause).index(self)
