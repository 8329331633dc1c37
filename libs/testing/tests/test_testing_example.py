"""The example repository of the documentation works as it stands, as a user would run it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "own-project"


def run_example(folder: Path, servers: str) -> list[str]:
    """Run pytest in a copy of the example; what it printed."""
    copy = shutil.copytree(EXAMPLE, folder / "own-project", ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--basetemp", str(folder / "tmp")]
    environment = {**os.environ, "MEDKG_SERVERS": servers}
    result = subprocess.run(
        command, cwd=copy, env=environment, capture_output=True, text=True, timeout=580, check=False
    )
    assert 0 == result.returncode, result.stdout + result.stderr
    return result.stdout.splitlines()


@pytest.mark.integration
@pytest.mark.timeout(600)
def test_the_example_passes_on_processes(tmp_path: Path) -> None:
    """The example's tests pass with servers as local processes."""
    printed = run_example(tmp_path, "processes")

    assert "medkg: servers as local processes (asked for)" in printed
    assert "3 passed" in printed[-1]
