"""Shows how far a long work is: a bar on a terminal, a line now and then elsewhere."""

from time import monotonic
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from .output import say

#: Seconds between two lines where there is no terminal.
LINE_EVERY_S: Final = 2.0


class ProgressBar:
    """Shows progress until the context ends; on standard error, since it is no result.

    Args:
        label: what is counted, such as ``records read``.
    """

    def __init__(self, label: str) -> None:
        console = Console(stderr=True, highlight=False, markup=False, emoji=False)
        columns = (
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            TextColumn("{task.fields[note]}"),
        )  # fmt: skip
        self._bar = Progress(*columns, console=console, transient=True) if console.is_terminal else None
        self._task = self._bar.add_task(label, total=None, note="") if self._bar else None
        self._label = label
        self._note = ""
        self._told = monotonic()

    def __enter__(self) -> Self:
        """Begin to show."""
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Show no more."""
        if self._bar is not None:
            self._bar.stop()

    def note(self, text: str) -> None:
        """Stands behind the numbers from now on."""
        self._note = text

    def show(self, done: int, total: int | None = None) -> None:
        """So many are done, of so many; None when nobody knows how many there will be."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, total=total, note=self._note)
        elif monotonic() - self._told >= LINE_EVERY_S:
            self._told = monotonic()
            note = f" ({self._note})" if self._note else ""
            say(f"{self._label}: {done}{'' if total is None else f'/{total}'}{note}")
