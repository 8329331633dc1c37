"""Jobs, changes and plans for the ledger's tests."""

from collections.abc import Sequence
from typing import Any

from medkg_contracts.requests import JobRequest
from medkg_ledger import Ask, Change, Effects, JobState, JobStatus, Released, Timer, Versioned
from medkg_ledger.store import Ledger
from medkg_topology.plan import GateNode, Plan, StageNode

NOW = 1_750_000_000_000

PLAN = Plan(
    name="trials",
    version="1",
    nodes=(
        StageNode(name="ingest", type="IngestStage", service="ingest", outputs=("payloads",)),
        GateNode(name="mineru", event_topic="mineru.done.v1", depends_on=("ingest",), deadline_s=900),
    ),
)


def job(job_id: str = "j-1", *, created_at: int = NOW, **fields: Any) -> JobState:
    """A running job."""
    values = {
        "tenant_id": "public",
        "doc_id": "ctgov:NCT05814159",
        "correlation_id": job_id,
        "request": JobRequest(source="ctgov", id="NCT05814159"),
        "updated_at": created_at,
        **fields,
    }
    return JobState(job_id=job_id, created_at=created_at, **values)


def timer(node: str, due: int, job_id: str = "j-1") -> Timer:
    """A timer of the job."""
    return Timer(job_id, node, due)


def due(*timers: Timer) -> Effects:
    """That these timers start."""
    return Effects(timers={timer.node: timer.due for timer in timers})


def ask(node: str = "parse", *, service: str = "gpu", tenant: str = "public", priority: int = 1, **fields: Any) -> Ask:
    """A request for a stage's work; its record is the node's name."""
    return Ask(service, node, tenant, priority, node.encode(), **fields)


def new(state: JobState, **fields: Any) -> Change:
    """The change that writes a job for the first time."""
    return Change(Versioned(), state, **fields)


async def write(ledger: Ledger, *states: JobState) -> None:
    """Write new jobs."""
    assert all((await ledger.commit([new(state) for state in states])).written)


async def move(ledger: Ledger, job_id: str, *, change: dict[str, Any], **fields: Any) -> Change:
    """Write a job's next state, and return what was written."""
    before = (await ledger.load([job_id]))[job_id]
    assert before.state is not None
    written = Change(before, before.state.model_copy(update=change), **fields)
    assert [True] == (await ledger.commit([written])).written
    return written


async def request(ledger: Ledger, *job_ids: str, tenant: str = "public", priority: int = 1) -> list[bool]:
    """New jobs of a tenant that ask for one stage; which of them were granted."""
    changes = [new(job(job_id, tenant_id=tenant), asks=[ask(tenant=tenant, priority=priority)]) for job_id in job_ids]
    return [flag for flags in (await ledger.commit(changes)).granted for flag in flags]


async def settle(ledger: Ledger, *job_ids: str) -> list[str]:
    """Answer what the jobs have asked, one after the other; the jobs whose ask was released by it, in order."""
    released: list[str] = []
    for job_id in job_ids:
        before = (await ledger.load([job_id]))[job_id]
        assert before.state is not None
        committed = await ledger.commit([Change(before, before.state, Effects(settled=(("gpu", "parse"),)))])
        released += jobs_of(committed.released)
    return released


def jobs_of(released: Sequence[Released]) -> list[str]:
    """Whose asks were released."""
    return [each.entry.split(" ")[0] for each in released]


async def end(ledger: Ledger, *job_ids: str) -> None:
    """Complete jobs."""
    for job_id in job_ids:
        await move(ledger, job_id, change={"status": JobStatus.COMPLETED})


async def listing(ledger: Ledger, limit: int, **filters: str) -> list[str]:
    """The ids on all pages of a listing, in their order."""
    ids: list[str] = []
    cursor: str | None = None
    while True:
        page = await ledger.jobs(filters, limit=limit, cursor=cursor)
        assert len(page.jobs) <= limit
        ids += ids_of(page.jobs)
        if page.cursor is None:
            return ids
        cursor = page.cursor


def ids_of(states: Sequence[JobState]) -> list[str]:
    """The ids of jobs."""
    return [state.job_id for state in states]
