"""Builds plans, jobs and the events that a router hears, and tells a job's story event by event."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from medkg_contracts import topics
from medkg_contracts.artifacts import ArtifactRef
from medkg_contracts.data import JobAccepted, StageDeferred, StageResult
from medkg_contracts.errors import ErrorInfo, SourceUnavailable
from medkg_contracts.ids import digest
from medkg_contracts.kinds import Kind
from medkg_contracts.orders import Order, RerunOrder, ScopeOrder
from medkg_contracts.requests import JobRequest
from medkg_ledger.state import JobState
from medkg_routing import (
    Cancel,
    Decision,
    Deferred,
    Emit,
    JobEvent,
    NodeEnded,
    Origin,
    Pause,
    Requested,
    Rerun,
    Resume,
    TimerFired,
    admit,
    advance,
    rerun,
)
from medkg_topology.plan import GateNode, Plan, StageNode

NOW = 1_750_000_000_000
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
MINERU = "mineru.done.v1"
FAILURE: ErrorInfo = SourceUnavailable("ctgov answered 503").info
ACCEPTED_BY_REQUEST = "request-1"


def ref(name: str) -> ArtifactRef:
    """A claim check for an artifact of this name."""
    sha256 = digest(name)
    return ArtifactRef(name=name, sha256=sha256, size=1000, uri=f"artifact://public/{sha256}")


def refs(*names: str) -> dict[str, ArtifactRef]:
    """Claim checks by name."""
    return {name: ref(name) for name in names}


def stage(
    name: str, *needs: str, takes: tuple[str, ...] = (), makes: tuple[str, ...] = (), service: str = ""
) -> StageNode:
    """A stage that has its own service unless one is named."""
    return StageNode(name=name, type="Stage", service=service or name, depends_on=needs, inputs=takes, outputs=makes)


def gate(
    name: str, *needs: str, topic: str = MINERU, on_timeout: Literal["fail", "continue"] = "fail", **fields: Any
) -> GateNode:
    """A gate that waits a minute on the PDF gate's topic."""
    return GateNode(name=name, event_topic=topic, depends_on=needs, deadline_s=60, on_timeout=on_timeout, **fields)


def plan(*nodes: StageNode | GateNode) -> Plan:
    """A topology of these nodes."""
    return Plan(name="trials", version="1", nodes=nodes)


def requested(*, until: str | None = None, tenant: str = "public", traceparent: str | None = None) -> Requested:
    """A request for one trial."""
    return Requested(
        origin=Origin(ACCEPTED_BY_REQUEST, Kind.JOB_REQUESTED.type, topics.REQUESTS, traceparent),
        job_id="j-1",
        tenant_id=tenant,
        correlation_id="c-1",
        request=JobRequest(source="ctgov", id="NCT05814159", until=until),
        doc_id="ctgov:NCT05814159",
        is_batch=False,
        until=until,
        skip_completed=False,
        batch_id=None,
    )


def spoke(
    topic: str,
    *,
    name: str | None = None,
    epoch: int | None = None,
    artifacts: Mapping[str, ArtifactRef] = {},
    error: ErrorInfo | None = None,
    tenant: str | None = "public",
    traceparent: str | None = None,
    event_id: str = "",
    source: str = "",
    **fields: Any,
) -> NodeEnded:
    """Somebody's event on a done topic."""
    kind = Kind.STAGE_COMPLETED if error is None else Kind.STAGE_FAILED
    return NodeEnded(
        origin=Origin(event_id or f"{topic}/{name}/{epoch}", kind.type, topic, traceparent, source, tenant),
        job_id="j-1",
        stage=name,
        epoch=epoch,
        tenant_id=tenant,
        result=StageResult(artifacts=dict(artifacts), error=error, **fields),
    )


def done(name: str, *made: str, epoch: int | None = 1, error: ErrorInfo | None = None, **fields: Any) -> NodeEnded:
    """The answer of a stage that has its own service."""
    return spoke(topics.done(name), name=name, epoch=epoch, artifacts=refs(*made), error=error, **fields)


def fired(node: str) -> TimerFired:
    """A gate's timer."""
    return TimerFired(Origin(f"timer/{node}", Kind.TIMER_DUE.type, topics.CONTROL), "j-1", node)


def deferred(
    name: str, *, epoch: int = 1, tried: int = 1, wait_s: float = 30, service: str = "", tenant: str | None = "public"
) -> Deferred:
    """A stage puts its next try off."""
    return Deferred(
        origin=Origin(f"deferred/{name}/{epoch}", Kind.STAGE_DEFERRED.type, topics.done(service or name)),
        job_id="j-1",
        stage=name,
        epoch=epoch,
        tenant_id=tenant,
        deferral=StageDeferred(error=FAILURE, wait_s=wait_s, tried=tried),
    )


def cancelling(event_id: str = "cancel-1", *, tenant: str | None = None, source: str = "") -> Cancel:
    """An operator's cancel."""
    origin = Origin(event_id, Kind.CONTROL_CANCEL.type, topics.CONTROL, source=source)
    return Cancel(origin, "j-1", tenant, Order(by="ann", reason="a typing error"))


def pausing(event_id: str = "pause-1", *, tenant: str | None = None, source: str = "") -> Pause:
    """An operator's pause."""
    origin = Origin(event_id, Kind.CONTROL_PAUSE.type, topics.CONTROL, source=source)
    return Pause(origin, "j-1", tenant, ScopeOrder(scope="job", name="j-1"))


def resuming(event_id: str = "resume-1", *, tenant: str | None = None, source: str = "") -> Resume:
    """An operator's end of a pause."""
    origin = Origin(event_id, Kind.CONTROL_RESUME.type, topics.CONTROL, source=source)
    return Resume(origin, "j-1", tenant, ScopeOrder(scope="job", name="j-1"))


def rerunning(
    stage: str | None = None,
    *,
    event_id: str = "rerun-1",
    latest: bool = False,
    tenant: str | None = None,
    source: str = "",
) -> Rerun:
    """An operator's rerun."""
    origin = Origin(event_id, Kind.CONTROL_RERUN.type, topics.CONTROL, source=source)
    return Rerun(origin, "j-1", tenant, RerunOrder(stage=stage, latest=latest))


def accepted(of: Plan, event: Requested) -> JobAccepted:
    """The data of ``job.accepted``."""
    return JobAccepted(pipeline=of.name, digest=of.digest, plan=ref("plan"), request=event.request)


def begun(of: Plan, event: Requested, now: int = NOW) -> Decision:
    """The job's admission."""
    return admit(of, event, now, accepted=accepted(of, event))


def said(step: Decision) -> list[tuple[str, str | None]]:
    """What a step sends, in short: (kind, node)."""
    return [(emit.kind.value, emit.node) for emit in step.emits]


def only(step: Decision, kind: Kind, node: str | None = None) -> Emit:
    """The one emit of this kind about this node."""
    [emit] = [emit for emit in step.emits if emit.kind is kind and emit.node == node]
    return emit


def state_after(step: Decision) -> JobState:
    """The state that a step leaves."""
    assert step.state is not None
    return step.state


@dataclass
class Story:
    """A job from its admission on: each event that is told moves it and its clock (a second an event)."""

    plan: Plan
    until: str | None = None
    now: int = NOW
    steps: list[Decision] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.steps.append(begun(self.plan, requested(until=self.until, traceparent=TRACE), self.now))

    @property
    def state(self) -> JobState:
        """The job as it is now."""
        return state_after(self.steps[-1])

    @property
    def emits(self) -> list[Emit]:
        """All that was sent."""
        return [emit for step in self.steps for emit in step.emits]

    def tell(self, *events: JobEvent, after_ms: int = 1000, on: Plan | None = None) -> Decision:
        """What the last of these events leads to; a rerun moves the job to the plan `on`, if there is one."""
        for event in events:
            self.now += after_ms
            if isinstance(event, Rerun):
                pinned, self.plan = self.plan, on or self.plan
                step = rerun(self.plan, self.state, event, self.now, ref=ref("plan"), pinned=pinned)
            else:
                step = advance(self.plan, self.state, event, self.now)
            self.steps.append(step)
        return self.steps[-1]


def ignored(step: Decision) -> str | None:
    """Why a step changed nothing."""
    return step.ignored[0].data.reason if step.ignored else None


def started(step: Decision) -> list[tuple[str, int]]:
    """The timers that start, and when they are due."""
    return [(node, due) for node, due in step.effects.timers.items() if due is not None]


def over(step: Decision) -> list[str]:
    """The nodes whose timers are over."""
    return [node for node, due in step.effects.timers.items() if due is None]
