"""Runs a service's module under a sampler: ``python -m tests.benchmarks.profiled OUT.json MODULE``.

It samples processor time, so a service that waits costs no samples. Sampling begins with SIGUSR1, so that imports
and warming up are not in it, and the file is written when the module ends.
"""

import json
import runpy
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Final

#: Between two samples, in seconds of processor time; a prime number of milliseconds meets no other period.
INTERVAL_S: Final = 0.007


class Sampler:
    """Counts which functions run, and which are on the stack."""

    def __init__(self) -> None:
        self._own: Counter[tuple[str, str]] = Counter()
        self._total: Counter[tuple[str, str]] = Counter()

    def begin(self, *_: object) -> None:
        """Sample from now on."""
        signal.signal(signal.SIGPROF, self._sample)
        signal.setitimer(signal.ITIMER_PROF, INTERVAL_S, INTERVAL_S)

    def write(self, file: Path) -> None:
        """Stop, and write what was counted."""
        signal.setitimer(signal.ITIMER_PROF, 0)
        file.write_text(
            json.dumps({name: _rows(counts) for name, counts in (("own", self._own), ("total", self._total))})
        )

    def _sample(self, _: int, frame: FrameType | None) -> None:
        seen: list[tuple[str, str]] = []
        while frame is not None:
            code = frame.f_code
            function = (code.co_filename, code.co_qualname)
            seen.append(function)
            frame = frame.f_back
        self._own[_attributed(seen)] += 1
        self._total.update(set(seen))


def _attributed(stack: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """The innermost function; one without a source, such as a dataclass's ``__init__``, counts in its caller's file."""
    path = next((path for path, _ in stack if not path.startswith("<string>")), stack[0][0])
    return path, stack[0][1]


def _rows(counts: Counter[tuple[str, str]]) -> list[tuple[str, str, int]]:
    return [(path, function, count) for (path, function), count in counts.most_common()]


def main(out: Path, module: str) -> None:
    """Run the module as a program, and write its profile when it ends."""
    sampler = Sampler()
    signal.signal(signal.SIGUSR1, sampler.begin)
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        sampler.write(out)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
