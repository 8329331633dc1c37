"""Running jobs that have not moved for long."""

import pytest
from medkg_ledger.store import Ledger

from .records import NOW, end, job, move, write

pytestmark = pytest.mark.integration


async def test_jobs_that_have_not_moved(ledger: Ledger) -> None:
    """Running jobs whose last change is longer ago are found, the longest standing first."""
    await write(ledger, job("j-3", created_at=NOW + 3), job("j-1", created_at=NOW + 1), job("j-2", created_at=NOW + 2))

    assert (["j-1", "j-2"], ["j-1"], []) == (
        await ledger.stalled(NOW + 3),
        await ledger.stalled(NOW + 9, 1),
        await ledger.stalled(NOW + 1),
    )


async def test_job_that_moves_is_not_stalled(ledger: Ledger) -> None:
    """A change of a job counts from the time of that change; a job that has ended is never stalled."""
    await write(ledger, job("j-1"), job("j-2"))
    await move(ledger, "j-1", change={"updated_at": NOW + 5})
    await end(ledger, "j-2")

    assert ([], ["j-1"]) == (await ledger.stalled(NOW + 5), await ledger.stalled(NOW + 6))


async def test_touched_job_is_not_stalled(ledger: Ledger) -> None:
    """A job that somebody has looked at is left alone for as long; its own later change is not undone."""
    await write(ledger, job("j-1"), job("j-2", created_at=NOW + 7))
    await ledger.touch(["j-1", "j-2", "ended"], NOW + 5)
    await ledger.touch([], NOW)

    assert (["j-1"], ["j-1", "j-2"]) == (await ledger.stalled(NOW + 6), await ledger.stalled(NOW + 8))
