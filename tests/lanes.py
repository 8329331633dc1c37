"""Runs the tests in two lanes side by side: `python -m tests.lanes`, which is `make test`.

Tests without servers need the processor; tests with servers mostly wait for them. Each lane is a pytest of its own. The
output of the lane with servers is shown as it comes. The other lane gives way to it, so that nothing there waits longer
for the processor than it would alone, but not so far that its own tests run into their timeouts; its output is shown
when both have ended. Having ended its tests without servers, which take a third of the time, it goes on with those of
the whole product, which have servers of their own.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Final

from .costs import TITLE

_ELSEWHERE: Final = "not benchmark and not chaos and not containers and not vllm and not llm and not kgx"
_PYTEST: Final = (sys.executable, "-m", "pytest", "-p", "tests.costs", "--durations=20")
WITH_SERVERS: Final = (*_PYTEST, "-m", f"integration and not product and {_ELSEWHERE}")
BESIDE: Final = ("nice", "-n", "5", *_PYTEST, "-m", f"(not integration or product) and {_ELSEWHERE}")


def side_by_side(shown: Sequence[str], kept: Sequence[str], out: IO[bytes]) -> int:
    """Run two commands at the same time.

    Args:
        shown: Its output is written as it comes.
        kept: Its output is written when both have ended.
        out: Where the output goes, standard error included. It ends with the endings of both.

    Returns:
        0 if both commands returned 0, else what one of those returned that did not.
    """
    with TemporaryFile() as aside:
        second = subprocess.Popen(kept, stdout=aside, stderr=subprocess.STDOUT)
        try:
            first = subprocess.Popen(shown, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            printed = _copy(first, out)
        finally:
            second.wait()
        aside.seek(0)
        out.write(aside.read())
    out.write(ending(printed))
    out.flush()
    return first.returncode or second.returncode


def ending(output: bytes) -> bytes:
    """What a run of pytest says last: its list of costs and its closing line; or its last lines, if it has no list."""
    lines = output.splitlines(keepends=True)
    lists = [number for number, line in enumerate(lines) if line.startswith(b"=") and TITLE.encode() in line]
    return b"".join(lines[lists[-1] if lists else -5 :])


def _copy(process: subprocess.Popen[bytes], out: IO[bytes]) -> bytes:
    """All that a process prints until it has ended."""
    assert process.stdout is not None
    printed = b""
    with process:
        while some := os.read(process.stdout.fileno(), 2**16):
            printed += some
            out.write(some)
            out.flush()
    return printed


if __name__ == "__main__":
    os.chdir(Path(__file__).parents[1])
    sys.exit(side_by_side(WITH_SERVERS, BESIDE, sys.stdout.buffer))
