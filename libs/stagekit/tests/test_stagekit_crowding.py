"""What is said of a pool that long jobs fill."""

# ruff: noqa: D102 - the methods are those of `BusyReports`

from dataclasses import dataclass, field

import pytest
from medkg_stagekit import crowding
from medkg_stagekit.crowding import Crowding


@dataclass
class Board:
    """Stands for the notices in Redis: what hangs there now."""

    hangs: dict[str, list[str]] = field(default_factory=dict)

    async def leave(self, service: str, message: str, jobs: list[str]) -> None:  # noqa: ARG002
        self.hangs[service] = jobs

    async def clear(self, service: str) -> None:
        del self.hangs[service]


@dataclass
class Pool:
    """Stands for a pool: the jobs that fill it."""

    full: list[str] = field(default_factory=list)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Being full is told of at once."""
    monkeypatch.setattr(crowding, "FULL_S", 0.0)


@pytest.mark.usefixtures("at_once")
async def test_a_full_service_says_with_what_until_it_is_not() -> None:
    """The health check and the notice name the jobs while they fill the pool, and no longer."""
    pool, board = Pool(["j-1", "j-2"]), Board()
    watched = Crowding("parse", pool, board)
    await watched.look()
    full = watched.problem, dict(board.hangs)
    pool.full = []
    await watched.look()

    assert ("all workers are busy with jobs that take longer than 1 s: j-1, j-2", {"parse": ["j-1", "j-2"]}) == full
    assert (None, {}) == (watched.problem, board.hangs)


async def test_a_moment_is_not_told_of() -> None:
    """A pool that has only just become full is not a problem yet."""
    board = Board()
    watched = Crowding("parse", Pool(["j-1"]), board)
    await watched.look()

    assert (None, {}) == (watched.problem, board.hangs)


@pytest.mark.usefixtures("at_once")
async def test_only_some_of_many_jobs_are_named() -> None:
    """The message stays readable; the notice has them all."""
    board = Board()
    watched = Crowding("parse", Pool([f"j-{number}" for number in range(8)]), board)
    await watched.look()

    assert (watched.problem or "").endswith("j-3, j-4 and 3 more")
    assert 8 == len(board.hangs["parse"])
