"""What the ledger knows of a job.

Times are milliseconds since 1970-01-01 UTC, taken from Kafka records, so that a rebuild from Kafka arrives at the
same values.
"""

from collections.abc import Iterator
from enum import StrEnum

from medkg_contracts.artifacts import ArtifactRef
from medkg_contracts.data import RequestOrRef
from medkg_contracts.errors import ErrorInfo
from medkg_contracts.ir import ExpansionReceipt
from medkg_contracts.model import Contract
from medkg_contracts.requests import Priority
from pydantic import Field, ValidationError


class JobStatus(StrEnum):
    """Where a job stands. All but RUNNING are final."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


class NodeStatus(StrEnum):
    """Where a stage or gate of a job stands."""

    PENDING = "pending"
    REQUESTED = "requested"
    WAITING = "waiting"
    DEFERRED = "deferred"
    COMPLETED = "completed"
    OPENED = "opened"
    EXPIRED = "expired"
    FAILED = "failed"


#: A node in one of these lets the nodes that depend on it start.
PASSED = frozenset({NodeStatus.COMPLETED, NodeStatus.OPENED, NodeStatus.EXPIRED})

#: A node in one of these waits for somebody's answer, or for its timer.
OPEN = frozenset({NodeStatus.REQUESTED, NodeStatus.WAITING, NodeStatus.DEFERRED})


class EarlyEvent(Contract):
    """A gate's event that came before the gate was reached.

    Attributes:
        event_id: its `source` and `id`.
    """

    event_id: str
    artifacts: dict[str, ArtifactRef] = Field(default_factory=dict)
    error: ErrorInfo | None = None


class NodeState(Contract):
    """A stage or gate within a job.

    Attributes:
        epoch: run number, from 1; 0 before the first.
        started_at: when its work was asked for, or the gate was reached.
        ended_at: when its result was applied.
        retries: tries that the stage service repeated in place.
        skipped: the result is an earlier identical run's.
        deadline: of a waiting gate; of a deferred stage, when it is asked for again.
        tried: attempts that a deferred stage has used so far, over all epochs of this run.
        opened_by: `source` and `id` of the event that opened a gate, or refused to.
        opened_before: the same of earlier runs.
    """

    status: NodeStatus = NodeStatus.PENDING
    epoch: int = 0
    started_at: int | None = None
    ended_at: int | None = None
    retries: int = 0
    skipped: bool = False
    deadline: int | None = None
    tried: int = 0
    opened_by: str | None = None
    opened_before: tuple[str, ...] = ()
    early: EarlyEvent | None = None


class JobState(Contract, extra="ignore"):  # another version may have written it
    """A job's record.

    Attributes:
        doc_id: the item; as it was asked for, and as its source writes it once the source's stage has said so.
        pipeline_name: the topology; None for a rejected request.
        pipeline_version: the digest of the plan that the job is pinned to.
        current_stage: the node that was started last and has not ended, or the last that ended.
        run: how often the job was started again after its first start.
        restarted_by: `source` and `id` of the order that started it again last, so that the same order twice starts it
            once.
        restarted_before: the same of earlier runs.
        paused: nothing more is asked of a stage for it, until it is resumed.
        sequence: number of events that the router has emitted for the job.
        nodes: the nodes that have started, or whose event came early; all others are pending.
    """

    job_id: str
    tenant_id: str
    doc_id: str
    correlation_id: str
    traceparent: str | None = None
    batch_id: str | None = None
    pipeline_name: str | None = None
    pipeline_version: str | None = None
    status: JobStatus = JobStatus.RUNNING
    current_stage: str | None = None
    until: str | None = None
    skip_completed: bool = False
    priority: Priority = "normal"
    run: int = 0
    restarted_by: str | None = None
    restarted_before: tuple[str, ...] = ()
    paused: bool = False
    request: RequestOrRef | None = None
    created_at: int
    updated_at: int
    sequence: int = 0
    nodes: dict[str, NodeState] = Field(default_factory=dict)
    artifacts: dict[str, ArtifactRef] = Field(default_factory=dict)
    error: ErrorInfo | None = None
    failed_stage: str | None = None
    retry_count_per_stage: dict[str, int] = Field(default_factory=dict)

    def node(self, name: str) -> NodeState:
        """The state of the node with this name."""
        return self.nodes.get(name, _PENDING)

    @property
    def ended(self) -> bool:
        """Whether nothing more can happen to the job."""
        return self.status is not JobStatus.RUNNING

    @property
    def items(self) -> int | None:
        """How many jobs it has become as a batch; None if it is no batch, or has not asked for all of them yet."""
        receipt = self.artifacts.get("expansion")
        try:
            return None if receipt is None else ExpansionReceipt.model_validate(receipt.value).jobs
        except ValidationError:
            return None  # another stage's artifact of the same name

    def index_entries(self) -> Iterator[str]:
        """The secondary indexes that list the job."""
        yield "all"
        yield f"state:{self.status}"
        yield f"tenant:{self.tenant_id}"
        if self.pipeline_name is not None:
            yield f"pipeline:{self.pipeline_name}"
        if self.current_stage is not None:
            yield f"stage:{self.current_stage}"
        if self.batch_id is not None:
            yield f"batch:{self.batch_id}"


_PENDING = NodeState()
