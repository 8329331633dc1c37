"""Telling a person what is going on, a line at a time."""

from collections.abc import Callable
from threading import Lock

Report = Callable[[str], None]


def one_at_a_time(report: Report) -> Report:
    """The same, safe to call from several threads: no line stands inside another."""
    lock = Lock()

    def serialised(line: str) -> None:
        with lock:
            report(line)

    return serialised
