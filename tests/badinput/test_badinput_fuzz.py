"""The coverage-guided search for a record that the codec neither reads nor refuses."""

import subprocess
import sys
from pathlib import Path

from .seeds import REPOSITORY

RUNS = 40_000


def test_the_search_finds_no_such_record(tmp_path: Path) -> None:
    """A short search from the documents' examples ends without a finding; its module's text says how to search on."""
    # What it takes for its own memory begins, on Linux, with the most that whoever started it has ever had.
    memory = ["-rss_limit_mb=0", "-malloc_limit_mb=2048"]
    search = [f"-runs={RUNS}", "-seed=4", "-max_len=4096", f"-artifact_prefix={tmp_path}/", str(tmp_path / "corpus")]

    found = subprocess.run(
        [sys.executable, "-m", "tests.badinput.fuzz_codec", *memory, *search],
        check=False,
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
    )

    assert (0, []) == (found.returncode, sorted(tmp_path.glob("crash-*"))), found.stderr[-3000:]
    assert f"Done {RUNS} runs" in found.stderr
