"""Waiting for jobs: by what is told of them, and by the ledger for those that were there before."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from medkg_artifacts import ArtifactStore
from medkg_contracts.cloudevents import CloudEvent, to_headers
from medkg_contracts.errors import Unfinished
from medkg_contracts.kinds import Kind
from medkg_contracts.records import Record
from medkg_ledger import JobState, JobStatus
from medkg_operations.progress import Tally
from medkg_operations.waiting import Waiting

from .events_of import completed, event, ignored, job_completed, job_failed, taken


class TailOf:
    """A tail that brings these events, one a poll, and then nothing."""

    def __init__(self, *events: CloudEvent | bytes) -> None:
        self._events = events

    async def polls(self) -> AsyncIterator[list[Record]]:
        """What each poll brings."""
        for one in self._events:
            if isinstance(one, bytes):
                yield [Record("t", 0, 0, 0, None, one, [])]
            else:
                yield [Record("t", 0, 0, 0, b"k", one.data, to_headers(one))]
        while True:
            yield []


class LedgerOf:
    """A ledger that knows these jobs."""

    def __init__(self, *states: JobState) -> None:
        self._states = {state.job_id: state for state in states}

    async def get(self, job_id: str) -> JobState | None:
        """The state of one job."""
        return self._states.get(job_id)

    async def each_job(self, filters: dict[str, str]) -> AsyncIterator[JobState]:
        """The batch's jobs."""
        for state in self._states.values():
            if state.batch_id == filters["batch"]:
                yield state


def state(job_id: str, status: JobStatus = JobStatus.COMPLETED, batch_id: str | None = None) -> JobState:
    return JobState(
        job_id=job_id, tenant_id="public", doc_id="ctgov:x", correlation_id=batch_id or job_id, batch_id=batch_id,
        status=status, created_at=1, updated_at=2,
    )  # fmt: skip


async def wait(
    tmp_path: Path,
    tail: TailOf,
    *asked: str,
    ledger: LedgerOf | None = None,
    timeout_s: float = 30,
    sent: Sequence[str] = (),
) -> Tally:
    tally = Tally()
    waiting = Waiting(tail, ArtifactStore(tmp_path), tally, asked, print, sent)  # type: ignore[arg-type] - a fake
    await waiting.until(asked, ledger or LedgerOf(), timeout_s, lambda: None)  # type: ignore[arg-type] - a fake
    return tally


async def test_a_job_is_waited_for(tmp_path: Path):
    """Waiting ends with the job's end."""
    tally = await wait(tmp_path, TailOf(event(Kind.JOB_ACCEPTED), job_failed()), "j-1")
    assert {"failed": 1} == tally.counts()


async def test_other_jobs_are_not_counted(tmp_path: Path):
    """What happens to others at the same time is none of ours."""
    tally = await wait(tmp_path, TailOf(job_completed("other"), job_completed()), "j-1")
    assert ["j-1"] == list(tally.jobs)


async def test_a_batch_is_waited_for_with_its_items(tmp_path: Path):
    """Waiting for a batch ends with its last item's end."""
    tail = TailOf(
        completed("b", "expand", expansion={"batch_id": "b", "jobs": 1}),
        job_completed("b"),
        job_completed("i-1", correlationid="b"),
    )
    assert {"completed": 2} == (await wait(tmp_path, tail, "b")).counts()


async def test_a_record_that_is_no_event_does_not_disturb(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A poison record is told and passed over."""
    assert {"completed": 1} == (await wait(tmp_path, TailOf(b"garbage", job_completed()), "j-1")).counts()
    assert "could not be read" in capsys.readouterr().out


async def test_a_job_that_was_there_before_is_looked_up(tmp_path: Path):
    """Of a job that had ended before nobody tells anything any more: the ledger knows it."""
    tally = await wait(tmp_path, TailOf(ignored()), "j-1", ledger=LedgerOf(state("j-1")))
    assert {"completed": 1} == tally.counts()


async def test_a_batch_that_was_there_before_is_looked_up_with_its_items(tmp_path: Path):
    """The items of a batch that had ended before are looked up too."""
    ledger = LedgerOf(state("b"), state("i-1", batch_id="b"), state("i-2", JobStatus.FAILED, "b"))
    tally = await wait(tmp_path, TailOf(ignored("b")), "b", ledger=ledger)
    assert {"completed": 2, "failed": 1} == tally.counts()


async def test_a_job_id_that_is_taken_ends_the_wait(tmp_path: Path):
    """Whoever asked under the id of another job is told so, and not what became of that job."""
    tail = TailOf(event(Kind.JOB_ACCEPTED), taken(causationid="r-1"))
    assert {"refused": 1} == (await wait(tmp_path, tail, "j-1", sent=["r-1"])).counts()


async def test_somebody_elses_request_under_the_jobs_id_is_none_of_ours(tmp_path: Path):
    """Whoever has the job is not disturbed by others who ask for something else under its id."""
    tail = TailOf(taken(causationid="r-2"), job_completed())
    assert {"completed": 1} == (await wait(tmp_path, tail, "j-1", sent=["r-1"])).counts()


async def test_an_item_whose_id_is_taken_is_counted(tmp_path: Path):
    """A batch is not waited for for ever because one of its items became no job."""
    tail = TailOf(
        completed("b", "expand", expansion={"batch_id": "b", "jobs": 1}),
        job_completed("b"),
        taken("i-1", correlationid="b", causationid="i-1"),
    )
    assert {"completed": 1, "refused": 1} == (await wait(tmp_path, tail, "b")).counts()


async def test_waiting_ends_in_time(tmp_path: Path):
    """When the time is over, the jobs that have not ended are named."""
    with pytest.raises(Unfinished, match="j-1 did not"):
        await wait(tmp_path, TailOf(event(Kind.JOB_ACCEPTED)), "j-1", timeout_s=0)
