"""The data that events carry, a model for each kind."""

import operator
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from .artifacts import ArtifactRef
from .errors import ErrorInfo
from .model import Contract, Name, OptionValue, Sha256
from .orders import Order, RerunOrder
from .policy import Policy
from .requests import DocId, JobRequest

#: A job's request, or a claim check for it when it is a long list of items.
RequestOrRef = JobRequest | ArtifactRef


class StageRequest(Contract):
    """The data of `stage.requested`: all that a stage service needs for one job.

    Attributes:
        request: the job's own request.
        inputs: artifacts by name.
        policy: the effective policy.
        options: what the topology says of how the stage is to work; written only where it says something.
        tried: attempts that earlier epochs have already used of the policy's, since a long wait begins a new epoch.
    """

    request: RequestOrRef
    inputs: dict[Name, ArtifactRef] = Field(default_factory=dict)
    policy: Policy = Field(default_factory=Policy)
    options: Annotated[dict[Name, OptionValue], Field(exclude_if=operator.not_)] = {}
    tried: Annotated[int, Field(ge=0, le=1000)] = 0


class StageResult(Contract):
    """The data of `stage.completed` and `stage.failed`.

    Attributes:
        artifacts: what the stage made, by name.
        error: why it failed; None when it completed.
        retries: how often the stage service tried again in place.
        duration_ms: of the last attempt.
        waited_ms: between the request's time and the start of the work.
        skipped: the outputs are those of an earlier, identical run.
        doc_id: how the source itself writes the item's ``<source>:<id>``, if that is not how it was asked for.
        worker: which process did it, by its instance name: MK_INSTANCE, or ``<host>:<pid>``.
    """

    artifacts: dict[Name, ArtifactRef] = Field(default_factory=dict)
    error: ErrorInfo | None = None
    retries: Annotated[int, Field(ge=0, le=1000)] = 0
    duration_ms: float = 0.0
    waited_ms: float = 0.0
    skipped: bool = False
    doc_id: DocId | None = None
    worker: str = ""


class StageStarted(Contract):
    """The data of `stage.started`."""

    worker: str


class StageRetrying(Contract):
    """The data of `stage.retrying`."""

    error: ErrorInfo
    wait_s: float


class StageDeferred(Contract):
    """The data of `stage.deferred`: a try failed, and the next is too far away to wait for in place.

    The router's durable timer asks for the stage again, as the next epoch.

    Attributes:
        error: why the try failed.
        wait_s: seconds until the next try.
        tried: attempts used so far, over all epochs.
        worker: which process tried.
    """

    error: ErrorInfo
    wait_s: Annotated[float, Field(ge=0, le=86_400)]
    tried: Annotated[int, Field(ge=1, le=1000)]
    worker: str = ""


class StageDropped(Contract):
    """The data of `stage.dropped`: work that was asked for and is wanted no more.

    Attributes:
        reason: ``cancelled``.
        worker: which process dropped it.
    """

    reason: Literal["cancelled"]
    worker: str = ""


class JobAccepted(Contract):
    """The data of `job.accepted`.

    Attributes:
        pipeline: the topology's name.
        digest: SHA-256 of its compiled plan: the version that the job is pinned to.
        plan: the compiled plan as a claim check, so that a ledger rebuild needs no topology file.
        request: what was asked for.
    """

    pipeline: Name
    digest: str
    plan: ArtifactRef
    request: RequestOrRef


class JobEnded(Contract):
    """The data of `job.completed`, `job.failed`, `job.cancelled` and `job.rejected`.

    Attributes:
        order: of a cancelled job: who cancelled it and why.
    """

    stage: str | None = None
    error: ErrorInfo | None = None
    duration_ms: float = 0.0
    order: Order | None = None


class JobRestarted(Contract):
    """The data of `job.restarted`: the job runs again, from a stage, on this plan.

    Attributes:
        stages: the nodes that run again.
        pipeline: the topology's name.
        digest: of the plan that the job is pinned to from now on.
        plan: that plan as a claim check, so that a ledger rebuild needs no topology file.
        order: who ordered it and why.
    """

    stages: list[Name]
    pipeline: Name
    digest: Sha256
    plan: ArtifactRef
    order: RerunOrder


class JobMigrated(Contract):
    """The data of `job.migrated`: a job of the system before medkg, as its export had it.

    Attributes:
        state: the ledger's record, as JSON.
    """

    state: dict[str, JsonValue]


class ControlRefused(Contract):
    """The data of `control.refused`: an order that was not obeyed, and why."""

    type: str
    event_id: str
    error: ErrorInfo


class GateNotice(Contract):
    """The data of `gate.waiting`, `gate.opened` and `gate.expired`.

    Attributes:
        topic: where the gate's event comes from.
        deadline: by when.
        early: the event had come before the gate was reached.
    """

    topic: str
    deadline: datetime | None = None
    early: bool = False


class Ignored(Contract):
    """The data of `event.ignored`: an event that changed nothing, and why.

    Attributes:
        reason: ``duplicate``, ``stale_epoch``, ``late``, ``foreign`` or ``job_ended``.
        type: of the event that was ignored.
        topic: where it came from.
        event_id: its id.
    """

    reason: Literal["duplicate", "stale_epoch", "late", "foreign", "job_ended"]
    type: str
    topic: str
    event_id: str


class RecordRefused(Contract):
    """The data of `record.refused`: a record that went to a DLQ."""

    topic: str
    partition: int
    offset: int
    dlq: str
    error: ErrorInfo


class LetterClosed(Contract):
    """The data of `record.redriven` and `record.discarded`: what became of a dead letter.

    The event stands behind the letter in the DLQ's own partition as well, so that the DLQ alone tells what is open.

    Attributes:
        dlq: the DLQ's topic; with `partition` and `offset` it names the letter.
        code: the error code of the letter.
        latest: the job goes on with the newest version of its topology.
        order: who did it and why.
    """

    dlq: str
    partition: int
    offset: int
    code: str = ""
    latest: bool = False
    order: Order = Field(default_factory=Order)


class BreakerNotice(Contract):
    """The data of `breaker.opened` and `breaker.closed`.

    Attributes:
        service: whose breaker.
        policy: the policy's name.
        reset_s: seconds until the next probe; 0 for a closed one.
        error: the failure that opened it.
        worker: which process noticed.
    """

    service: str
    policy: str
    reset_s: float = 0.0
    error: ErrorInfo | None = None
    worker: str = ""


class VersionFigures(Contract):
    """How the jobs of one version of a topology went.

    Attributes:
        digest: of its plan.
        jobs: that ended.
        failed: of those.
        p50_ms: median duration of the completed ones, milliseconds.
        p95_ms: their 95th percentile.
    """

    digest: Sha256
    jobs: int = 0
    failed: int = 0
    p50_ms: float = 0.0
    p95_ms: float = 0.0

    @property
    def error_rate(self) -> float:
        """Failed jobs by ended jobs, 0..1."""
        return self.failed / self.jobs if self.jobs else 0.0


class RolloutReverted(Contract):
    """The data of `rollout.reverted`: new jobs take the old version again.

    Attributes:
        reason: which limit the new version broke, with the numbers.
    """

    pipeline: Name
    reason: str
    old: VersionFigures
    new: VersionFigures


class TimerDue(Contract):
    """The data of `timer.due`: the router's durable timer for a gate's deadline or a deferred stage."""

    node: Name


class TopologyNotice(Contract):
    """The data of `topology.loaded` and `topology.refused`."""

    pipeline: str
    digest: str | None = None
    file: str
    error: ErrorInfo | None = None
