"""What `medkg status` shows: jobs, batches and lists of jobs, for people and for programs."""

from collections.abc import Iterator, Sequence
from typing import Any

from medkg_contracts.artifacts import ArtifactRef
from medkg_ledger import JobState, NodeState, Page
from medkg_operations.views import BatchStatus
from medkg_routing import topology_label
from medkg_topology.plan import Plan
from rich.console import Group, RenderableType
from rich.text import Text

from .output import coloured, counts_text, duration, moment, size, table

_BAR_WIDTH = 40


def batch_data(batch: BatchStatus) -> dict[str, object]:
    """A batch for programs."""
    jobs = [_summary(job) for job in batch.jobs]
    return {"batch_id": batch.batch_id, "total": batch.total, "counts": dict(batch.counts), "jobs": jobs}


def job_data(state: JobState) -> dict[str, object]:
    """A job for programs: its ledger record."""
    return state.model_dump(mode="json")


def state_view(state: JobState, plan: Plan | None) -> RenderableType:
    """A job with its stages."""
    facts: list[tuple[str, RenderableType]] = [
        ("status", Text.assemble(coloured(state.status), " (paused)" if state.paused else "")),
        ("item", state.doc_id),
        ("tenant", state.tenant_id),
        ("topology", topology_label(state) or state.pipeline_name or "none"),
        ("created", moment(state.created_at)),
        ("updated", f"{moment(state.updated_at)}  ({duration(state.updated_at - state.created_at)} later)"),
    ]
    more = (
        ("batch", state.batch_id),
        ("items", _items(state)),
        ("until", state.until),
        ("priority", state.priority if state.priority != "normal" else None),
        ("restarted", {1: "once"}.get(state.run, f"{state.run} times") if state.run else None),
    )
    facts += [(name, value) for name, value in more if value]
    if state.error is not None:
        facts.append(("error", Text(f"[{state.error.code}] {state.error.message}", style="red")))
        facts.append(("remedy", state.error.remedy))
    grid = table(None, ("", ""), facts)
    grid.show_header = False
    parts: list[RenderableType] = [Text(f"job {state.job_id}", style="bold"), grid]
    if rows := list(_stage_rows(state, plan)):
        columns = ("stage", "status", "asked", "took", "epoch", "retries", "artifacts")
        parts += [Text(), table(None, columns, rows, numbers=("took", "epoch", "retries"))]
    return Group(*parts)


def batch_view(batch: BatchStatus) -> RenderableType:
    """A batch with its counts, its progress and some of its jobs."""
    ended = batch.total - batch.open
    filled = round(_BAR_WIDTH * ended / batch.total)
    bar = Text.assemble(("━" * filled, "green"), ("━" * (_BAR_WIDTH - filled), "dim"), f" {ended}/{batch.total}")
    return Group(
        Text(f"\nbatch {batch.batch_id}", style="bold"), bar, counts_text(batch.counts), Text(), _jobs_table(batch.jobs)
    )


def jobs_view(page: Page) -> RenderableType:
    """A list of jobs."""
    if not page.jobs:
        return Text("no jobs")
    jobs = _jobs_table(page.jobs)
    if page.cursor is None:
        return jobs
    return Group(jobs, Text(f"more: --cursor {page.cursor}", style="dim"))


def _items(state: JobState) -> str | None:
    return "none: the query found nothing" if state.items == 0 else None if state.items is None else str(state.items)


def _jobs_table(jobs: Sequence[JobState]) -> RenderableType:
    return table(
        None,
        ("job", "status", "stage", "item", "tenant", "topology", "created", "took", "error"),
        (
            (
                job.job_id,
                coloured(job.status),
                job.current_stage or "",
                job.doc_id,
                job.tenant_id,
                job.pipeline_name or "",
                moment(job.created_at),
                duration(job.updated_at - job.created_at) if job.ended else "",
                f"[{job.error.code}] {job.error.message}" if job.error else "",
            )
            for job in jobs
        ),
        numbers=("took",),
    )


def _stage_rows(state: JobState, plan: Plan | None) -> Iterator[Sequence[RenderableType]]:
    names = list(dict.fromkeys([*(node.name for node in plan.nodes), *state.nodes] if plan else state.nodes))
    needed = plan.needed_for(state.until) if plan and (state.until is None or state.until in plan.by_name) else None
    for name in names:
        node = state.node(name)
        if needed is not None and name not in needed:
            continue
        made = plan.by_name[name].outputs if plan and name in plan.by_name else ()
        artifacts = [_artifact(state.artifacts[output]) for output in made if output in state.artifacts]
        yield (
            name,
            Text.assemble(coloured(node.status), " (skipped)" if node.skipped else ""),
            moment(node.started_at),
            _took(node),
            str(node.epoch or ""),
            str(node.retries or ""),
            ", ".join(artifacts),
        )


def _took(node: NodeState) -> str:
    if node.started_at is None or node.ended_at is None:
        return ""
    return duration(node.ended_at - node.started_at)


def _artifact(ref: ArtifactRef) -> str:
    place = "inline" if ref.uri is None else ref.sha256[:12]
    return f"{ref.name} {size(ref.size)} {place}"


def _summary(job: JobState) -> dict[str, Any]:
    kept = {"job_id", "doc_id", "status", "current_stage", "failed_stage", "error", "created_at", "updated_at"}
    return job.model_dump(mode="json", include=kept)
