"""How far a migration is, how fast it goes, and how long it will take. Pure, but for who watches it."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class FillProgress:
    """How far it is.

    Attributes:
        documents: that were filled.
        chunks: that were embedded.
        all_documents: that lacked vectors when it began.
        all_chunks: likewise.
        seconds: that it has taken so far.
    """

    documents: int
    chunks: int
    all_documents: int
    all_chunks: int
    seconds: float

    @property
    def per_second(self) -> float:
        """Chunks a second."""
        return self.chunks / self.seconds if self.seconds > 0 else 0.0

    @property
    def left_s(self) -> float | None:
        """Seconds that are left at this rate; None while nobody knows."""
        return max(0, self.all_chunks - self.chunks) / self.per_second if self.chunks else None


class Watch(Protocol):
    """Whoever watches a migration."""

    def filling(self, progress: FillProgress) -> None:
        """It is so far."""
        ...

    def emptying(self, documents: int) -> None:
        """Vectors of so many documents were removed."""
        ...

    def comparing(self, done: int, total: int) -> None:
        """So many of the queries were asked."""
        ...

    def say(self, text: str) -> None:
        """Something that is no result, and that people should know."""
        ...


class Unwatched:
    """Nobody watches."""

    def filling(self, progress: FillProgress) -> None:
        """Nothing."""

    def emptying(self, documents: int) -> None:
        """Nothing."""

    def comparing(self, done: int, total: int) -> None:
        """Nothing."""

    def say(self, text: str) -> None:
        """Nothing."""
