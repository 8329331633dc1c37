"""A job's next state, and all that is written together with it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .effects import NO_EFFECTS, Effects, timer_member
from .state import JobState, JobStatus


@dataclass(frozen=True, slots=True)
class Versioned:
    """A job's state and the revision under which it was read; revision 0 is a job that is not there."""

    state: JobState | None = None
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Timer:
    """The router's durable timer for a node of a job.

    Attributes:
        due: milliseconds since 1970-01-01 UTC.
    """

    job_id: str
    node: str
    due: int

    @property
    def member(self) -> str:
        """How the timer is named in Redis."""
        return timer_member(self.job_id, self.node)


@dataclass(frozen=True, slots=True)
class Ask:
    """A request for a stage's work: it is sent when the stage's service has credit for it.

    Attributes:
        service: the stage service.
        node: the stage within the job.
        priority: 0 goes before 1 and 1 before 2, among the tenant's own.
        record: what has to be sent; opaque to the ledger.
        sent: it was sent before the ledger was rebuilt: it only takes up credit.
    """

    service: str
    node: str
    tenant: str
    priority: int
    record: bytes
    sent: bool = False

    def facts(self) -> dict[str, Any]:
        """What commit.lua is told of it as JSON."""
        return {
            "service": self.service,
            "node": self.node,
            "tenant": self.tenant,
            "priority": self.priority,
            "sent": self.sent,
        }


@dataclass(frozen=True, slots=True)
class Change:
    """One job's new state, to be written if the job is still as `before`.

    Attributes:
        effects: what else is written with it.
        outbox: the records that must be sent once this is written; opaque to the ledger.
        asks: requests for stages' work; those of a paused job are held until it is resumed.
        counts: the job has just completed or failed, and is to count among its version's figures.
    """

    before: Versioned
    after: JobState
    effects: Effects = NO_EFFECTS
    outbox: bytes = b""
    asks: Sequence[Ask] = ()
    counts: bool = False

    @property
    def outbox_entry(self) -> str:
        """Under which name the outbox keeps the records."""
        return f"{self.after.job_id} {self.before.revision + 1}"

    def entries(self, granted: Sequence[bool]) -> Iterator[str]:
        """The outbox entries that it has made, once it is written and these of its asks were granted."""
        if self.outbox:
            yield self.outbox_entry
        for ask, flag in zip(self.asks, granted, strict=True):
            if flag:
                yield f"{self.outbox_entry} {ask.node}"

    def facts(self) -> dict[str, Any]:
        """What commit.lua is told of it as JSON."""
        after = self.after
        leave, join = _index_moves(self.before.state, after)
        facts: dict[str, Any] = {
            "id": after.job_id,
            "revision": self.before.revision,
            "created": after.created_at,
            "moved": after.updated_at,
            "ended": after.ended,
            "leave": leave,
            "join": join,
            "parked": after.paused,
            "asks": [ask.facts() for ask in self.asks],
            **self.effects.facts(after.job_id),
        }
        if self.counts:
            version = f"{after.pipeline_name}:{after.pipeline_version}"
            duration = after.updated_at - after.created_at
            facts["counts"] = {"version": version, "failed": after.status is JobStatus.FAILED, "duration": duration}
        return facts

    def contents(self) -> Iterator[bytes]:
        """What commit.lua is told of it as it is: the new body and all records."""
        yield self.after.__pydantic_serializer__.to_json(self.after, exclude_defaults=True)
        yield self.outbox
        for ask in self.asks:
            yield ask.record


@dataclass(frozen=True, slots=True)
class Released:
    """A held ask that has got its credit: its record may be sent.

    Attributes:
        entry: under which the outbox keeps the record until it is sent.
    """

    entry: str
    record: bytes


@dataclass(frozen=True, slots=True)
class Committed:
    """What became of changes.

    Attributes:
        written: for each change, whether it was written; False if somebody else had changed the job meanwhile.
        granted: for each change and each of its asks, whether its record may be sent now; the others are held.
        released: asks, of any jobs, that were held until now.
        entries: of the outbox, that were made: to be forgotten once all that may be sent has been sent.
    """

    written: list[bool]
    granted: list[list[bool]]
    released: list[Released]
    entries: list[str]


def _index_moves(before: JobState | None, after: JobState) -> tuple[list[str], list[str]]:
    """The index entries to leave and to join. Within a run only a job's status and stage change."""
    if before is None:
        return [], list(after.index_entries())
    same_run = before.run == after.run
    if same_run and before.status is after.status and before.current_stage == after.current_stage:
        return [], []
    old, new = set(before.index_entries()), set(after.index_entries())
    return sorted(old - new), sorted(new - old)
