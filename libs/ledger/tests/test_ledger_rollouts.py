"""Two versions of a topology, and how their jobs went."""

import pytest
from medkg_contracts.data import VersionFigures
from medkg_ledger import Change, JobState, JobStatus, RolloutState, Versioned
from medkg_ledger.store import Ledger

from .records import NOW, job, new

pytestmark = pytest.mark.integration

OLD, NEW = "0" * 64, "1" * 64


def ended(number: int, duration: int, status: JobStatus = JobStatus.COMPLETED) -> JobState:
    """A job of the new version that took so many milliseconds."""
    return job(f"j-{number}", pipeline_name="trials", pipeline_version=NEW, status=status, updated_at=NOW + duration)


async def test_stable_version(ledger: Ledger) -> None:
    """A topology's stable version is the one that was set last."""
    before = await ledger.stable("trials")
    await ledger.set_stable("trials", OLD)

    assert (None, OLD, None) == (before, await ledger.stable("trials"), await ledger.stable("papers"))


async def test_rollout_is_kept(ledger: Ledger) -> None:
    """A topology's rollout comes back as it was saved."""
    before = await ledger.rollout("trials")
    state = RolloutState(new=NEW, old=OLD, percent=10, reverted="6 of 20 jobs failed")
    await ledger.save_rollout("trials", state)

    assert (None, state) == (before, await ledger.rollout("trials"))


async def test_jobs_that_count(ledger: Ledger) -> None:
    """Jobs that completed and failed are counted with the change that ends them, durations of the completed ones."""
    changes = [new(ended(number, number * 10), counts=True) for number in range(1, 101)]
    changes += [new(ended(101, 5, JobStatus.FAILED), counts=True), new(ended(102, 5))]
    await ledger.commit(changes)

    assert VersionFigures(digest=NEW, jobs=101, failed=1, p50_ms=500, p95_ms=950) == await ledger.figures("trials", NEW)
    assert VersionFigures(digest=OLD) == await ledger.figures("trials", OLD)


async def test_refused_change_does_not_count(ledger: Ledger) -> None:
    """A job whose end was not written is not counted."""
    await ledger.commit([Change(Versioned(None, 3), ended(1, 10), counts=True)])

    assert VersionFigures(digest=NEW) == await ledger.figures("trials", NEW)


async def test_percentiles_are_of_the_last_thousand(ledger: Ledger) -> None:
    """All ended jobs are counted; the percentiles are of the last 1000 that completed."""
    durations = [9000] * 100 + [10] * 1000
    await ledger.commit([new(ended(number, ms), counts=True) for number, ms in enumerate(durations)])

    assert VersionFigures(digest=NEW, jobs=1100, p50_ms=10, p95_ms=10) == await ledger.figures("trials", NEW)
