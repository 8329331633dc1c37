"""What a batch does to one job: gathered step by step, written as one change."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from medkg_contracts.data import Ignored
from medkg_contracts.errors import MedkgError
from medkg_contracts.records import Record
from medkg_ledger import Change, JobState, JobStatus, Timer, Versioned
from medkg_routing import Emit, Origin, Requested, Step
from medkg_stagekit.posting import Posting, ask, pack


@dataclass(slots=True)
class Decision:
    """What a batch does to one job.

    Attributes:
        before: the job as it was read.
        state: as it is after the steps so far; None for a job that nobody knows.
        postings: to be sent once this is written.
        asks: requests for a stage's work, by node: sent as soon as the stage has credit.
        fence: the sequence at which the job was cancelled.
        refused: requests that are no job, for the DLQ.
        disobeyed: orders that could not be obeyed, and why.
    """

    before: Versioned
    state: JobState | None
    postings: list[Posting] = field(default_factory=list)
    asks: dict[str, tuple[Emit, Posting]] = field(default_factory=dict)
    settled: dict[tuple[str, str], None] = field(default_factory=dict)
    timers: dict[str, int] = field(default_factory=dict)
    drop: set[str] = field(default_factory=set)
    fence: int | None = None
    hold: bool | None = None
    ignored: list[tuple[Ignored, Origin, JobState | None]] = field(default_factory=list)
    refused: list[tuple[Record, MedkgError, Requested]] = field(default_factory=list)
    disobeyed: list[tuple[Origin, MedkgError]] = field(default_factory=list)

    def take(self, step: Step, postings: Sequence[tuple[Emit, Posting]]) -> None:
        """Add a step, and what it says."""
        if step.ignored is not None and step.origin is not None:
            self.ignored.append((step.ignored, step.origin, step.state))
        if step.state is None:
            return
        self.state = step.state
        for service, node in step.settled:
            self.settled[service, node] = None
            self.asks.pop(node, None)  # asked for and withdrawn within one batch
        for emit, posting in postings:
            if emit.service is None or emit.node is None:
                self.postings.append(posting)
            else:
                self.asks[emit.node] = (emit, posting)
        self.drop = (self.drop | set(step.drop_timers)) - {node for node, _ in step.set_timers}
        self.timers = {node: due for node, due in self.timers.items() if node not in self.drop}
        self.timers |= dict(step.set_timers)
        if step.fence:
            self.fence = step.state.sequence
        self.hold = self.hold if step.hold is None else step.hold

    @property
    def changed(self) -> bool:
        """Whether there is anything to write."""
        return self.state is not self.before.state or bool(self.timers or self.drop)

    def change(self, *, counts: bool) -> Change:
        """What is to be written; `counts` if the ends of its topology's jobs are counted."""
        state = self.state
        if state is None:
            raise AssertionError("a decision that changed something has a state")
        return Change(
            before=self.before,
            after=state,
            set_timers=[Timer(state.job_id, node, due) for node, due in self.timers.items()],
            drop_timers=sorted(self.drop),
            outbox=pack(self.postings) if self.postings else b"",
            asks=[ask(state, emit, posting) for emit, posting in self.asks.values()],
            settled=list(self.settled),
            fence=self.fence,
            hold=self.hold,
            counts=counts and self._ended_now,
        )

    @property
    def _ended_now(self) -> bool:
        before, after = self.before.state, self.state
        finished = {JobStatus.COMPLETED, JobStatus.FAILED}
        # A job that runs again has failed before, and its time includes the wait for whoever noticed.
        first = after is not None and after.run == 0 and after.status in finished
        return first and (before is None or before.status not in finished)
