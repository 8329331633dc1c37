"""`medkg status` against a real Redis."""

import asyncio
import json
from collections.abc import Sequence
from uuid import uuid4

import pytest
from medkg_contracts.errors import SourceRefused
from medkg_ledger import Change, JobState, JobStatus, Versioned
from medkg_ledger.store import Ledger

from libs.cli.tests.calling import medkg, medkg_json

pytestmark = pytest.mark.integration

NOW = 1_795_248_000_000


@pytest.fixture
def tenant(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A tenant of this test's own, in the ledger that the settings name."""
    monkeypatch.setenv("MK_REDIS_URL", redis_url)
    return f"t{uuid4().hex[:8]}"


def write(redis_url: str, *states: JobState) -> None:
    """Put jobs into the ledger."""

    async def commit(given: Sequence[JobState]) -> None:
        ledger = Ledger.from_url(redis_url)
        assert all((await ledger.commit([Change(before=Versioned(), after=state) for state in given])).written)
        await ledger.close()

    asyncio.run(commit(states))


def job(tenant: str, number: int, status: JobStatus = JobStatus.COMPLETED, batch_id: str | None = None) -> JobState:
    """A job of the tenant."""
    job_id = f"{tenant}-{number}"
    error = SourceRefused("there is no such study").info if status is JobStatus.FAILED else None
    return JobState(
        job_id=job_id, tenant_id=tenant, doc_id=f"ctgov:{number}", correlation_id=batch_id or job_id, status=status,
        batch_id=batch_id, current_stage="parse", error=error, created_at=NOW + number, updated_at=NOW + number + 9,
    )  # fmt: skip


def test_one_job_is_shown(redis_url: str, tenant: str):
    """A job's record is shown as the ledger has it."""
    write(redis_url, job(tenant, 1, JobStatus.FAILED))
    shown = medkg_json("status", f"{tenant}-1")
    assert ("failed", "source_refused") == (shown["status"], shown["error"]["code"])


def test_a_failed_job_shows_its_remedy(redis_url: str, tenant: str):
    """For people, a failed job shows what to do."""
    write(redis_url, job(tenant, 1, JobStatus.FAILED))
    result = medkg("status", f"{tenant}-1")
    assert "[source_refused] there is no such study" in result.stdout
    assert SourceRefused.remedy in result.stdout


def test_a_list_has_filters_and_pages(redis_url: str, tenant: str):
    """A list is filtered, newest first, and its cursor continues it."""
    write(redis_url, *(job(tenant, number) for number in range(3)), job(tenant, 3, JobStatus.RUNNING))
    first = medkg_json("status", "--tenant", tenant, "--status", "completed", "--limit", "2")
    second = medkg_json(
        "status", "--tenant", tenant, "--status", "completed", "--limit", "2", "--cursor", first["cursor"]
    )
    ids = [found["job_id"] for page in (first, second) for found in page["jobs"]]
    assert [f"{tenant}-2", f"{tenant}-1", f"{tenant}-0"] == ids


def test_the_other_word_for_status_is_refused():
    """`--state`, which it was called, is refused with the word that there is."""
    result = medkg("status", "--state", "failed")
    assert (2, True) == (result.exit_code, "the option is --status" in result.stderr)


def test_a_batch_shows_its_failures_first(redis_url: str, tenant: str):
    """A batch is counted, and the jobs that failed stand at the top."""
    states = [JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.RUNNING]
    write(redis_url, *(job(tenant, number, status, f"{tenant}-b") for number, status in enumerate(states)))
    batch = medkg_json("status", f"{tenant}-b")["batch"]
    assert {"completed": 1, "failed": 1, "running": 1} == batch["counts"]
    assert f"{tenant}-1" == batch["jobs"][0]["job_id"]


def test_watching_an_ended_job_ends(redis_url: str, tenant: str):
    """--watch of a job that has ended shows it once and ends."""
    write(redis_url, job(tenant, 1))
    result = medkg("status", f"{tenant}-1", "--watch", "--json")
    assert ["completed"] == [json.loads(line)["status"] for line in result.stdout.splitlines()]


@pytest.mark.usefixtures("tenant")
def test_an_unknown_job_is_not_found():
    """A job that nobody knows ends with 3 and says where else to look."""
    result = medkg("status", "nobody-knows-it")
    assert (3, True) == (result.exit_code, "medkg explain" in result.stderr)


@pytest.mark.usefixtures("tenant")
def test_a_wrong_cursor_is_refused():
    """A cursor that no page gave is refused."""
    assert 5 == medkg("status", "--cursor", "nonsense").exit_code


def test_a_redis_that_is_away_is_unavailable(monkeypatch: pytest.MonkeyPatch):
    """Without Redis the command ends with 4."""
    monkeypatch.setenv("MK_REDIS_URL", "redis://127.0.0.1:1/0")
    result = medkg("status")
    assert (4, True) == (result.exit_code, result.stderr.startswith("error [ledger_unavailable]"))
