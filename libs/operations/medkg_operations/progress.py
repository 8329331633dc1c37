"""What has become of some jobs so far, as their lifecycle events tell it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.data import JobEnded, StageResult
from medkg_contracts.errors import ErrorInfo
from medkg_contracts.events import read_data
from medkg_contracts.ir import ExpansionReceipt, IndexReceipt
from medkg_contracts.kinds import JOB_ENDS, Kind, kind_of
from pydantic import ValidationError


@dataclass(slots=True)
class StageTally:
    """One stage over all jobs.

    Attributes:
        durations: of each run that ended, in milliseconds.
        waits: of each run that ended: between the asking and its start, in milliseconds.
    """

    started: int = 0
    completed: int = 0
    failed: int = 0
    retrying: int = 0
    skipped: int = 0
    durations: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)


class Tally:
    """Counts events; an event that comes twice counts once.

    Attributes:
        jobs: the state of each job that has been heard of.
        errors: why jobs ended otherwise than well, with the stage where there is one.
        stages: by name, in the order in which they were first heard of.
        expected: how many jobs batches have become, by batch.
        ignored: jobs whose request changed nothing, since they were there before.
        chunks: how many chunks the jobs have put into the index.
    """

    def __init__(self) -> None:
        self.jobs: dict[str, str] = {}
        self.errors: dict[str, tuple[str | None, ErrorInfo]] = {}
        self.stages: dict[str, StageTally] = {}
        self.expected: dict[str, int] = {}
        self.ignored: set[str] = set()
        self.chunks = 0
        self._seen: set[str] = set()

    def hear(self, event: CloudEvent) -> None:
        """Count one event.

        Raises:
            PoisonRecord: its data break the contract.
        """
        kind, job_id = kind_of(event), event.extensions.get("jobid")
        if kind is None or job_id is None or event.id in self._seen:
            return
        self._seen.add(event.id)
        if kind is Kind.JOB_ACCEPTED:
            self.jobs.setdefault(job_id, "running")
        elif kind in JOB_ENDS:
            self._end(job_id, kind, read_data(event, JobEnded))
        elif kind is Kind.JOB_RESTARTED:
            self.jobs[job_id] = "running"
            self.errors.pop(job_id, None)
        elif kind is Kind.EVENT_IGNORED:
            self.ignored.add(job_id)
        elif (stage := event.extensions.get("stage")) is not None:
            self._hear_stage(kind, job_id, self.stages.setdefault(stage, StageTally()), event)

    def refuse(self, job_id: str, error: ErrorInfo) -> None:
        """Count a request that became no job."""
        self.jobs[job_id] = "refused"
        self.errors[job_id] = (None, error)

    def counts(self) -> dict[str, int]:
        """How many jobs are in each state."""
        return dict(Counter(self.jobs.values()))

    @property
    def ended(self) -> int:
        """How many jobs have ended."""
        return sum(state != "running" for state in self.jobs.values())

    def all_ended(self, asked: Sequence[str]) -> bool:
        """Whether the jobs that were asked for, and all that batches among them became, have ended."""
        if any(self.jobs.get(job_id, "running") == "running" for job_id in asked):
            return False
        wanted = len(asked) + sum(self.expected.get(job_id, 0) for job_id in asked)
        return self.ended >= wanted

    def all_completed(self) -> bool:
        """Whether every job that has been heard of has ended well."""
        return set(self.jobs.values()) <= {"completed"}

    def _end(self, job_id: str, kind: Kind, end: JobEnded) -> None:
        self.jobs[job_id] = kind.value.rpartition(".")[2]
        if end.error is not None:
            self.errors[job_id] = (end.stage, end.error)

    def _hear_stage(self, kind: Kind, job_id: str, stage: StageTally, event: CloudEvent) -> None:
        match kind:
            case Kind.STAGE_STARTED:
                stage.started += 1
            case Kind.STAGE_RETRYING:
                stage.retrying += 1
            case Kind.STAGE_COMPLETED:
                result = read_data(event, StageResult)
                stage.completed += 1
                stage.skipped += result.skipped
                self._measure(stage, result)
                self._read_receipts(job_id, result)
            case Kind.STAGE_FAILED:
                stage.failed += 1
                self._measure(stage, read_data(event, StageResult))

    @staticmethod
    def _measure(stage: StageTally, result: StageResult) -> None:
        stage.durations.append(result.duration_ms)
        stage.waits.append(result.waited_ms)

    def _read_receipts(self, job_id: str, result: StageResult) -> None:
        for ref in result.artifacts.values():
            try:
                if ref.name == "expansion":
                    self.expected[job_id] = ExpansionReceipt.model_validate(ref.value).jobs
                elif ref.name == "index_receipt":
                    self.chunks += IndexReceipt.model_validate(ref.value).chunks
            except ValidationError:
                continue  # another stage's artifact of the same name


def percentile(values: Sequence[float], share: float) -> float | None:
    """The value that this share of the values does not pass (nearest rank); None when there is none."""
    if not values:
        return None
    ordered = sorted(values)
    rank = max(1, -(-len(ordered) * round(share * 100) // 100))
    return ordered[rank - 1]
