"""`medkg ledger migrate` and `rebuild` against real servers and a real router."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from medkg_contracts import topics
from medkg_contracts.data import StageResult
from medkg_contracts.kinds import Kind
from medkg_contracts.orders import Order
from medkg_contracts.requests import JobRequest
from medkg_ledger import Change, JobState, JobStatus, Versioned
from medkg_ledger.store import Ledger
from medkg_operations.control import order_event
from medkg_operations.requests import request_event
from medkg_stack import Ports, Stack

from libs.cli.tests.calling import medkg, medkg_json

from .operating import Playground, playground

pytestmark = pytest.mark.integration

OLD = {"dataset": "ctgov", "item": {"id": "NCT1"}, "status": "completed", "created_at": "2024-05-01T10:00:00Z"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Playground]:
    """A running router whose stages the tests play, with servers of its own: a rebuild reads all that Kafka has."""
    stack = Stack(tmp_path_factory.mktemp("migrate-servers"), Ports.free(), report=lambda _: None)
    stack.up(only=["kafka", "redis"])
    with playground(stack.kafka.address, stack.redis.address, tmp_path_factory.mktemp("migrate")) as place:
        yield place
    stack.wipe()


@pytest.fixture
def run() -> str:
    """What the ids of this test's jobs begin with."""
    return f"old-{uuid4().hex[:8]}"


def export(folder: Path, run: str, *records: dict[str, Any]) -> Path:
    """A file of old records, numbered from 0."""
    file = folder / "jobs.jsonl"
    lines = [json.dumps({"job_id": f"{run}-{number}", **OLD, **record}) for number, record in enumerate(records)]
    file.write_text("\n".join(lines) + "\n")
    return file


def write(place: Playground, jobs: Sequence[JobState]) -> None:
    """Put jobs into the ledger."""

    async def commit() -> None:
        ledger = Ledger.from_url(place.redis_url)
        await ledger.commit([Change(before=Versioned(), after=job) for job in jobs])
        await ledger.close()

    asyncio.run(commit())


def test_old_records_become_jobs(place: Playground, tmp_path: Path, run: str):
    """Each record becomes a job, with its pipeline and state, and is told of."""
    file = export(tmp_path, run, {}, {"status": "running", "dataset": "pmc-fulltext"}, {"tenant_id": "acme"})
    report = medkg_json("ledger", "migrate", str(file))
    assert {"migrated": 3, "skipped": 0, "errors": [], "rejected": None} == report
    first, second, third = (place.state(f"{run}-{number}") for number in range(3))
    assert (JobStatus.COMPLETED, "auto", "acme") == (first.status, first.pipeline_name, third.tenant_id)
    assert second.error is not None
    assert ("pdf-two-phase", "in_flight_elsewhere") == (second.pipeline_name, second.error.code)
    assert "ctgov:NCT1" == place.told(f"{run}-0", Kind.JOB_MIGRATED).subject


@pytest.mark.usefixtures("place")
def test_a_second_migration_changes_nothing(tmp_path: Path, run: str):
    """Jobs that are there are skipped, so that a migration may be repeated or go on after an interruption."""
    file = export(tmp_path, run, {}, {})
    medkg("ledger", "migrate", str(file))
    file.write_text(file.read_text() + json.dumps({"job_id": f"{run}-9", **OLD}) + "\n")
    again = medkg_json("ledger", "migrate", str(file))
    assert (1, 2) == (again["migrated"], again["skipped"])


def test_a_job_of_the_same_id_is_left_alone(place: Playground, tmp_path: Path, run: str):
    """A job that medkg has already is not overwritten by an old record."""
    mine = JobState(
        job_id=f"{run}-0", tenant_id="public", doc_id="x:1", correlation_id="x", created_at=1, updated_at=1,
        status=JobStatus.REJECTED,
    )  # fmt: skip
    write(place, [mine])
    assert 1 == medkg_json("ledger", "migrate", str(export(tmp_path, run, {})))["skipped"]
    assert mine == place.state(f"{run}-0")


@pytest.mark.usefixtures("place")
def test_bad_lines_are_kept_and_the_good_ones_migrated(tmp_path: Path, run: str):
    """Bad lines are told with their number and reason and kept in a file, and the command ends with 1."""
    file = export(tmp_path, run, {}, {"status": "lost"}, {})
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes() + b"\n{broken\n")
    result = medkg("ledger", "migrate", str(file), "--json")
    report = json.loads(result.stdout)
    assert (1, 2, [2, 5]) == (result.exit_code, report["migrated"], [error["line"] for error in report["errors"]])
    rejects = tmp_path / "jobs.rejected.jsonl"
    assert [file.read_bytes().splitlines()[1], b"{broken"] == rejects.read_bytes().splitlines()
    assert "line 2: status: 'lost' is none of" in medkg("ledger", "migrate", str(file)).stderr


@pytest.mark.usefixtures("place")
def test_a_missing_file_is_refused(tmp_path: Path):
    """A file that is not there ends the command with 5."""
    assert 5 == medkg("ledger", "migrate", str(tmp_path / "none.jsonl")).exit_code


def test_a_job_that_was_in_flight_can_be_run(place: Playground, tmp_path: Path, run: str):
    """`job rerun --latest` runs a job that had not ended in the old system, on the topology that takes its source."""
    medkg("ledger", "migrate", str(export(tmp_path, run, {"status": "queued", "pipeline_name": place.name})))
    assert "restarted" == medkg_json("job", "rerun", f"{run}-0", "--latest")[0]["result"]
    place.complete(place.first, f"{run}-0")
    place.complete(place.second, f"{run}-0")
    place.told(f"{run}-0", Kind.JOB_COMPLETED)


def test_a_rebuilt_ledger_is_as_it_was_wherever_records_stand(place: Playground, run: str):
    """Requests, results and orders in other partitions and under other keys than medkg's lead to the same states."""
    place.services.scale("router", 2)
    jobs = [f"{run}-{number}" for number in range(8)]
    ref = asyncio.run(place.store.put("public", "payloads", b'"done"'))
    answers = {
        job: place.result(Kind.STAGE_COMPLETED, place.first, job, 1, StageResult(artifacts={"payloads": ref}))
        for job in jobs
    }
    place.put(topics.done(place.first), answers[jobs[0]], 2)  # nobody has asked for that yet
    place.told(jobs[0], Kind.EVENT_IGNORED)
    for number, job in enumerate(jobs):
        request = JobRequest(source="ctgov", id="NCT1", topology=place.name)
        place.put(topics.REQUESTS, request_event(request, source="/test", job=job), number)
    for number, job in enumerate(jobs):
        place.asked(place.first, job)
        if number in (2, 3, 4):
            place.put(topics.done(place.first), answers[job], number + 1)
            place.asked(place.second, job)
        if number in (4, 5):
            place.put(topics.CONTROL, order_event(Kind.CONTROL_CANCEL, job, Order(), source="/test"), number + 3)
            place.told(job, Kind.JOB_CANCELLED)
    place.services.stop()
    before = [place.state(job) for job in jobs]

    report = medkg_json("ledger", "rebuild", "--wipe", "--yes")
    after = [place.state(job) for job in jobs]
    place.services.scale("router", 1)

    assert before == after
    assert (0, 0) == (report["undecided"], report["lost"])
    assert {JobStatus.RUNNING: 6, JobStatus.CANCELLED: 2} == Counter(state.status for state in after)


def test_a_rebuilt_ledger_is_as_it_was(place: Playground, tmp_path: Path, run: str):
    """Migrated, restarted, cancelled and paused jobs, and pauses, are the same after a wipe and a rebuild."""
    medkg("ledger", "migrate", str(export(tmp_path, run, {}, {"status": "queued", "pipeline_name": place.name})))
    medkg("job", "rerun", f"{run}-1", "--latest")
    cancelled, failed, paused, held = place.submit(), place.submit(), place.submit(), f"{run}-held"
    medkg("job", "cancel", cancelled)
    place.fail(place.first, failed)
    medkg("job", "rerun", failed)
    medkg("pause", "--job", paused)
    medkg("pause", "--tenant", "acme")
    medkg("submit", "ctgov", "NCT1", "--topology", place.name, "--tenant", "acme", "--job-id", held)
    place.told(held, Kind.JOB_ACCEPTED)
    place.asked(place.first, failed, epoch=2)
    place.services.stop()
    jobs = (cancelled, failed, paused, held, f"{run}-0", f"{run}-1")
    before = [place.state(job) for job in jobs]

    report = medkg_json("ledger", "rebuild", "--wipe", "--yes")
    assert ["tenant:acme"] == report["paused"]
    assert before == [place.state(job) for job in jobs]
    assert {"scopes": ["tenant:acme"], "jobs": [paused]} == medkg_json("paused")

    place.services.scale("router", 1)
    place.complete(place.first, failed, epoch=2)
    place.complete(place.second, failed)
    place.told(failed, Kind.JOB_COMPLETED)
    medkg("resume", "--tenant", "acme")
    place.asked(place.first, held)
    assert 1 == len([record for record in place.records(f"{place.first}.queue.v1") if record.key == held.encode()])
