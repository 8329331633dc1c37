"""Jobs and batches are shown with all that the ledger knows."""

from typing import Any

from medkg_cli.status_view import batch_view, jobs_view, state_view
from medkg_contracts.artifacts import ArtifactRef
from medkg_contracts.errors import SourceRefused
from medkg_ledger import JobState, JobStatus, NodeState, NodeStatus, Page
from medkg_operations.views import BatchStatus
from medkg_topology.plan import Plan, StageNode
from pydantic import JsonValue
from rich.console import Console, RenderableType

NOW = 1_795_248_000_000

PLAN = Plan(
    name="trials",
    version="1",
    nodes=(
        StageNode(name="ingest", type="IngestStage", service="ingest", outputs=("payloads",)),
        StageNode(name="parse", type="ParseStage", service="parse", depends_on=("ingest",), outputs=("document",)),
        StageNode(name="chunk", type="ChunkStage", service="chunk", depends_on=("parse",), outputs=("chunks",)),
    ),
)


def job(**fields: Any) -> JobState:
    values = {
        "job_id": "j-1",
        "tenant_id": "public",
        "doc_id": "ctgov:NCT05814159",
        "correlation_id": "j-1",
        "pipeline_name": PLAN.name,
        "pipeline_version": PLAN.digest,
        "created_at": NOW,
        "updated_at": NOW + 1500,
        **fields,
    }
    return JobState(**values)


def text(view: RenderableType) -> str:
    console = Console(width=250, markup=False)
    with console.capture() as captured:
        console.print(view)
    return captured.get()


def lines(view: RenderableType) -> list[list[str]]:
    return [line.split() for line in text(view).splitlines()]


def test_a_batch_without_items_says_so():
    """A batch whose query found nothing says so, instead of being a job that has completed like any other."""

    def expanded(items: int) -> str:
        value: JsonValue = {"batch_id": "j-1", "jobs": items}
        ref = ArtifactRef(name="expansion", sha256="0" * 64, size=30, value=value)
        return text(state_view(job(status=JobStatus.COMPLETED, artifacts={"expansion": ref}), None))

    assert (True, False) == ("the query found nothing" in expanded(0), "the query found nothing" in expanded(3))


def test_a_stage_shows_its_time_and_artifacts():
    """A stage that has completed shows when it was asked, how long it took, and what it made."""
    done = NodeState(status=NodeStatus.COMPLETED, epoch=1, started_at=NOW, ended_at=NOW + 45, retries=2)
    ref = ArtifactRef(name="payloads", sha256="ab" * 32, size=2048, uri=f"artifact://public/{'ab' * 32}")
    shown = lines(state_view(job(nodes={"ingest": done}, artifacts={"payloads": ref}), PLAN))
    assert [
        "ingest",
        "completed",
        "2026-11-21",
        "08:00:00.000Z",
        "45",
        "ms",
        "1",
        "2",
        "payloads",
        "2.0",
        "KiB",
        "abababababab",
    ] in shown


def test_stages_are_in_the_plans_order():
    """Stages that have not begun are shown too, in the order of the plan."""
    shown = lines(state_view(job(), PLAN))
    assert [["ingest", "pending"], ["parse", "pending"], ["chunk", "pending"]] == shown[-3:]


def test_stages_behind_until_are_left_out():
    """A job that stops early shows only the stages that it goes through."""
    shown = lines(state_view(job(until="parse"), PLAN))
    assert [["ingest", "pending"], ["parse", "pending"]] == shown[-2:]


def test_a_skipped_stage_says_so():
    """A stage whose result is an earlier run's is marked."""
    done = NodeState(status=NodeStatus.COMPLETED, epoch=1, started_at=NOW, ended_at=NOW, skipped=True)
    assert ["ingest", "completed", "(skipped)"] in [
        line[:3] for line in lines(state_view(job(nodes={"ingest": done}), PLAN))
    ]


def test_an_error_shows_code_and_remedy():
    """A failed job shows the error's code, its message and what to do."""
    error = SourceRefused("there is no such study").info
    shown = text(state_view(job(status=JobStatus.FAILED, error=error, failed_stage="ingest"), PLAN))
    assert "[source_refused] there is no such study" in shown
    assert error.remedy in shown


def test_what_operators_did_to_a_job_is_shown():
    """A paused job says so; so does one with a priority of its own, and one that was run again."""
    shown = [" ".join(line) for line in lines(state_view(job(paused=True, priority="high", run=2), PLAN))]
    for line in ("status running (paused)", "priority high", "restarted 2 times"):
        assert line in shown
    assert "restarted once" in [" ".join(line) for line in lines(state_view(job(run=1), PLAN))]


def test_a_migrated_job_has_no_version_of_its_topology():
    """A job that ran in an older system names its topology without a version."""
    assert ["topology", "auto"] in lines(state_view(job(pipeline_name="auto", pipeline_version=None), None))


def test_a_rejected_job_has_no_stages():
    """A job that was rejected never had a plan."""
    shown = text(state_view(job(status=JobStatus.REJECTED, pipeline_name=None, pipeline_version=None), None))
    assert "artifacts" not in shown


def test_a_batch_shows_how_far_it_is():
    """A batch shows how many of its jobs have ended, and how."""
    batch = BatchStatus("b-1", {"completed": 3, "running": 1}, [])
    shown = lines(batch_view(batch))
    assert ["completed", "3", "·", "running", "1"] in shown
    assert "3/4" in text(batch_view(batch))


def test_a_list_tells_how_to_go_on():
    """A page that is not the last gives the cursor of the next."""
    assert ["more:", "--cursor", "9:j-1"] == lines(jobs_view(Page([job()], "9:j-1")))[-1]


def test_an_empty_list_says_so():
    """No jobs are said to be no jobs."""
    assert "no jobs\n" == text(jobs_view(Page()))
