"""One job in a batch: as it was read, and what the batch has decided about it so far."""

from dataclasses import dataclass, field
from datetime import datetime

from medkg_artifacts import ArtifactStore, deposit
from medkg_contracts.errors import MedkgError
from medkg_contracts.records import Record
from medkg_ledger import Ask, Change, JobStatus, Versioned
from medkg_routing import Decision, Origin, Requested, to_event
from medkg_routing.outbox import OutboxRecord, ask, outbox_record, pack


@dataclass(slots=True)
class PendingJob:
    """A job whose next state is not written yet.

    Attributes:
        before: as it was read.
        decision: all that was decided so far.
        records: to be sent once it is written; known when `prepare` has made them.
        asks: requests for stages' work with their records: sent as soon as the stage has credit. Known likewise.
        refused: requests that are no job, for the DLQ.
        disobeyed: orders that could not be obeyed, and why.
    """

    before: Versioned
    decision: Decision
    records: list[OutboxRecord] = field(default_factory=list)
    asks: list[tuple[Ask, OutboxRecord]] = field(default_factory=list)
    refused: list[tuple[Record, MedkgError, Requested]] = field(default_factory=list)
    disobeyed: list[tuple[Origin, MedkgError]] = field(default_factory=list)

    @classmethod
    def read(cls, before: Versioned) -> "PendingJob":
        """The job before anything is decided about it."""
        return cls(before, Decision(before.state))

    def take(self, decision: Decision) -> None:
        """Add what was decided on the state that it has by now."""
        self.decision = self.decision.then(decision)

    @property
    def changed(self) -> bool:
        """Whether there is anything to write."""
        return self.decision.state is not self.before.state or bool(self.decision.effects.timers)

    async def prepare(self, store: ArtifactStore, time: datetime) -> None:
        """Make the records of what it says; large data go to the store.

        Raises:
            ArtifactStoreUnavailable: they could not be stored.
        """
        for emit in self.decision.emits:
            record = outbox_record(emit.topic, await deposit(to_event(emit, time), store))
            if emit.service is None:
                self.records.append(record)
            else:
                self.asks.append((ask(emit, record), record))

    def change(self, *, counts: bool) -> Change:
        """What is to be written; `counts` if the ends of its topology's jobs are counted."""
        state = self.decision.state
        if state is None:
            raise AssertionError("a decision that changed something has a state")
        return Change(
            before=self.before,
            after=state,
            effects=self.decision.effects,
            outbox=pack(self.records) if self.records else b"",
            asks=[ask for ask, _ in self.asks],
            counts=counts and self._ended_now,
        )

    @property
    def _ended_now(self) -> bool:
        before, after = self.before.state, self.decision.state
        finished = {JobStatus.COMPLETED, JobStatus.FAILED}
        # A job that runs again has failed before, and its time includes the wait for whoever noticed.
        first = after is not None and after.run == 0 and after.status in finished
        return first and (before is None or before.status not in finished)
