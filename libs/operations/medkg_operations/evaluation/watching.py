"""Whoever wants to know how far an evaluation is."""

from dataclasses import dataclass, field
from typing import Protocol

from medkg_operations.progress import Tally


class Watch(Protocol):
    """Whoever watches an evaluation.

    Attributes:
        tally: of the jobs.
    """

    tally: Tally

    def indexing(self) -> None:
        """The tally may have changed."""
        ...

    def asked(self, what: str, done: int, total: int | None) -> None:
        """So many queries have been answered by an arm, or so many weights tried, of a number that may be unknown."""
        ...

    def say(self, text: str) -> None:
        """Something that is no result, and that people should know."""
        ...


@dataclass
class Unwatched:
    """Nobody watches."""

    tally: Tally = field(default_factory=Tally)

    def indexing(self) -> None:
        """Nothing."""

    def asked(self, what: str, done: int, total: int | None) -> None:
        """Nothing."""

    def say(self, text: str) -> None:
        """Nothing."""
