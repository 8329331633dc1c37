import subprocess
import sys
from pathlib import Path

import pytest
from medkg_contracts.errors import ResourceUnavailable
from medkg_stack.cache import Cache
from medkg_stack.lock import locked


def write(folder: Path) -> None:
    (folder / "file").write_text("whole")


def fail(folder: Path) -> None:
    (folder / "file").write_text("half")
    raise ResourceUnavailable("the line was cut")


BUILD_AND_COUNT = """
import sys
from pathlib import Path
from medkg_stack.cache import Cache

def build(folder):
    with Path(sys.argv[2]).open("a") as counts:
        counts.write("built\\n")

Cache(Path(sys.argv[1])).entry("thing", build)
"""


def test_an_entry_is_built_once(tmp_path: Path) -> None:
    """The second request for an entry gets the first one's folder, without a second build."""
    Cache(tmp_path).entry("thing", write)

    again = Cache(tmp_path).entry("thing", fail)

    assert "whole" == (again / "file").read_text()


def test_a_failed_build_leaves_nothing(tmp_path: Path) -> None:
    """A build that fails half way leaves no entry, so that the next one starts anew."""
    with pytest.raises(ResourceUnavailable):
        Cache(tmp_path).entry("thing", fail)

    assert ["thing.lock"] == [path.name for path in tmp_path.iterdir()]


def test_two_processes_build_it_once(tmp_path: Path) -> None:
    """Of processes that want an entry at the same moment one builds it and the others wait for it."""
    counts = tmp_path / "counts"
    argv = [sys.executable, "-c", BUILD_AND_COUNT, str(tmp_path / "cache"), str(counts)]
    workers = [subprocess.Popen(argv) for _ in range(3)]

    exit_codes = [worker.wait(timeout=60) for worker in workers]

    assert ([0, 0, 0], "built\n") == (exit_codes, counts.read_text())


def test_a_lock_held_by_another_is_reported(tmp_path: Path) -> None:
    """Whoever waits for a lock too long is told which file it is."""
    path = tmp_path / "lock"
    with (
        locked(path, timeout_s=1),
        pytest.raises(ResourceUnavailable, match=str(path)),
        locked(path, timeout_s=0.1),
    ):
        pass


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """MEDKG_CACHE moves the cache."""
    monkeypatch.setenv("MEDKG_CACHE", str(tmp_path))

    assert Cache(tmp_path) == Cache.default()
