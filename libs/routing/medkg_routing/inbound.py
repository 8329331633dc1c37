"""What the router hears: the events that can change a job, and orders about stages, tenants and the router itself."""

from dataclasses import dataclass

from medkg_contracts.data import RequestOrRef, StageDeferred, StageResult
from medkg_contracts.orders import Order, RerunOrder, ScopeOrder
from medkg_contracts.requests import Priority


@dataclass(frozen=True, slots=True)
class Origin:
    """Which event it was, for causation and for telling what was ignored.

    Attributes:
        source: the CloudEvents `source`: `source` and `id` together say which event it is.
        tenant_id: whose it is; None when it names no tenant.
    """

    event_id: str
    type: str
    topic: str
    traceparent: str | None = None
    source: str = ""
    tenant_id: str | None = None

    @property
    def identity(self) -> str:
        """Names the event among all: what has the same identity is the same event, delivered again."""
        return f"{self.source} {self.event_id}"


@dataclass(frozen=True, slots=True)
class Requested:
    """Somebody asks for a job; `request` is None when it cannot be read, which leads to a rejection."""

    origin: Origin
    job_id: str
    tenant_id: str
    correlation_id: str
    request: RequestOrRef | None
    doc_id: str
    is_batch: bool
    until: str | None
    skip_completed: bool
    batch_id: str | None
    priority: Priority = "normal"


@dataclass(frozen=True, slots=True)
class NodeEnded:
    """A stage service or an outside system says that something ended.

    Attributes:
        stage: the node that it names, if any.
        epoch: the run that it answers; None when the sender does not know epochs.
        tenant_id: None when the sender names none.
    """

    origin: Origin
    job_id: str
    stage: str | None
    epoch: int | None
    tenant_id: str | None
    result: StageResult


@dataclass(frozen=True, slots=True)
class Deferred:
    """A stage service says that a try failed, and that the next is too far away to wait for in place."""

    origin: Origin
    job_id: str
    stage: str
    epoch: int
    tenant_id: str | None
    deferral: StageDeferred


@dataclass(frozen=True, slots=True)
class TimerFired:
    """The durable timer of a job's gate or deferred stage is due."""

    origin: Origin
    job_id: str
    node: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """An operator ends a job; `tenant_id` is None for an operator of all tenants, here and below."""

    origin: Origin
    job_id: str
    tenant_id: str | None
    order: Order


@dataclass(frozen=True, slots=True)
class Pause:
    """An operator wants nothing more asked of any stage for a job, until it is resumed."""

    origin: Origin
    job_id: str
    tenant_id: str | None
    order: ScopeOrder


@dataclass(frozen=True, slots=True)
class Resume:
    """An operator ends a job's pause."""

    origin: Origin
    job_id: str
    tenant_id: str | None
    order: ScopeOrder


@dataclass(frozen=True, slots=True)
class Rerun:
    """An operator runs a job again, from a stage or where it failed."""

    origin: Origin
    job_id: str
    tenant_id: str | None
    order: RerunOrder


@dataclass(frozen=True, slots=True)
class ScopeOrdered:
    """An operator pauses or resumes a stage's service or a tenant."""

    origin: Origin
    order: ScopeOrder
    paused: bool


@dataclass(frozen=True, slots=True)
class Reload:
    """An operator asks the router to read the topologies again."""

    origin: Origin


#: What `advance` applies to a job.
Happening = Requested | NodeEnded | Deferred | TimerFired | Cancel | Pause | Resume

#: What concerns one job.
JobEvent = Happening | Rerun

Inbound = JobEvent | ScopeOrdered | Reload
