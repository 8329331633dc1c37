"""The kinds of events: what happened, in two words."""

from enum import StrEnum
from typing import Final

from .cloudevents import CloudEvent

TYPE_PREFIX = "org.medicalkg.orchestration."


class Kind(StrEnum):
    """What happened: the last two words of an event's type."""

    JOB_REQUESTED = "job.requested"
    JOB_ACCEPTED = "job.accepted"
    JOB_REJECTED = "job.rejected"
    JOB_COMPLETED = "job.completed"
    JOB_FAILED = "job.failed"
    JOB_CANCELLED = "job.cancelled"
    JOB_PAUSED = "job.paused"
    JOB_RESUMED = "job.resumed"
    JOB_RESTARTED = "job.restarted"
    JOB_STALLED = "job.stalled"
    JOB_MIGRATED = "job.migrated"
    STAGE_REQUESTED = "stage.requested"
    STAGE_STARTED = "stage.started"
    STAGE_RETRYING = "stage.retrying"
    STAGE_COMPLETED = "stage.completed"
    STAGE_FAILED = "stage.failed"
    STAGE_DEFERRED = "stage.deferred"
    STAGE_DROPPED = "stage.dropped"
    GATE_WAITING = "gate.waiting"
    GATE_OPENED = "gate.opened"
    GATE_EXPIRED = "gate.expired"
    EVENT_IGNORED = "event.ignored"
    RECORD_REFUSED = "record.refused"
    RECORD_REDRIVEN = "record.redriven"
    RECORD_DISCARDED = "record.discarded"
    SCOPE_PAUSED = "scope.paused"
    SCOPE_RESUMED = "scope.resumed"
    BREAKER_OPENED = "breaker.opened"
    BREAKER_CLOSED = "breaker.closed"
    TIMER_DUE = "timer.due"
    TOPOLOGY_LOADED = "topology.loaded"
    TOPOLOGY_REFUSED = "topology.refused"
    ROLLOUT_REVERTED = "rollout.reverted"
    CONTROL_RELOAD = "control.reload"
    CONTROL_CANCEL = "control.cancel"
    CONTROL_PAUSE = "control.pause"
    CONTROL_RESUME = "control.resume"
    CONTROL_RERUN = "control.rerun"
    CONTROL_REFUSED = "control.refused"

    @property
    def type(self) -> str:
        """The CloudEvents `type` attribute."""
        return TYPE_PREFIX + self


#: How a job ends; `job.restarted` begins it again.
JOB_ENDS: Final = frozenset({Kind.JOB_COMPLETED, Kind.JOB_FAILED, Kind.JOB_REJECTED, Kind.JOB_CANCELLED})

_KINDS: Final = {kind.type: kind for kind in Kind}


def kind_of(event: CloudEvent) -> Kind | None:
    """The event's kind, or None when its type is none of medkg's."""
    return _KINDS.get(event.type)
