"""Shows a tally as it grows: a live table on a terminal, a line now and then elsewhere."""

import sys
from time import monotonic
from types import TracebackType
from typing import Final, Self

from medkg_operations.progress import StageTally, Tally, percentile
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from .output import counts_text, duration, table

#: Seconds between two lines where there is no terminal.
LINE_EVERY_S: Final = 2.0


class ProgressView:
    """Shows a tally until the context ends; on standard error, since it is no result."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._began = monotonic()
        self._line = ""
        self._told = self._began
        console = Console(stderr=True, highlight=False, markup=False, emoji=False)
        self._live = Live(console=console, refresh_per_second=8, transient=True) if console.is_terminal else None

    def __enter__(self) -> Self:
        """Begin to show."""
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Show how it stands at the end; a live table goes away."""
        if self._live is not None:
            self._live.stop()
        else:
            self._say()

    def update(self) -> None:
        """Show how it stands."""
        if self._live is not None:
            self._live.update(self._renderable())
        elif monotonic() - self._told >= LINE_EVERY_S:
            self._say()

    @property
    def elapsed_s(self) -> float:
        """Seconds since this view was made."""
        return monotonic() - self._began

    def _renderable(self) -> Group:
        jobs = Text.assemble(f"{self.elapsed_s:5.1f} s  jobs  ", counts_text(self._tally.counts()))
        return Group(stage_progress(self._tally, self.elapsed_s), jobs)

    def _say(self) -> None:
        line = progress_line(self._tally)
        if line != self._line:
            print(f"{self.elapsed_s:6.1f} s  {line}", file=sys.stderr, flush=True)
        self._line = line
        self._told = monotonic()


def progress_line(tally: Tally) -> str:
    """How it stands, in a line: ``jobs completed 3 running 2 | ingest 5 parse 4/5``."""
    jobs = " ".join(f"{state} {count}" for state, count in sorted(tally.counts().items())) or "none yet"
    stages = " ".join(_stage_word(name, stage) for name, stage in tally.stages.items())
    return f"jobs {jobs} | {stages}" if stages else f"jobs {jobs}"


def stage_progress(tally: Tally, elapsed_s: float) -> Table:
    """A row for each stage: how many runs started, completed, failed, and how many completed a second."""
    numbers = ("started", "completed", "failed", "retries", "per second")
    return table(
        None,
        ("stage", *numbers),
        (
            (
                name,
                str(stage.started),
                str(stage.completed),
                Text(str(stage.failed), style="red" if stage.failed else ""),
                str(stage.retrying),
                f"{stage.completed / elapsed_s:.1f}" if elapsed_s else "",
            )
            for name, stage in tally.stages.items()
        ),
        numbers=numbers,
    )


def stage_times(tally: Tally) -> Table:
    """A row for each stage: how long its runs took, and how long they had waited."""
    shares = (0.5, 0.95, 0.99)
    numbers = ("runs", "failed", "took p50", "p95", "p99", "waited p50", "p95 ", "p99 ")
    return table(
        "Stages",
        ("stage", *numbers),
        (
            (
                name,
                str(len(stage.durations)),
                str(stage.failed),
                *(duration(percentile(stage.durations, share)) for share in shares),
                *(duration(percentile(stage.waits, share)) for share in shares),
            )
            for name, stage in tally.stages.items()
        ),
        numbers=numbers,
    )


def _stage_word(name: str, stage: StageTally) -> str:
    ended = stage.completed + stage.failed
    word = f"{name} {stage.completed}" if ended == stage.started else f"{name} {stage.completed}/{stage.started}"
    return f"{word} ({stage.failed} failed)" if stage.failed else word
