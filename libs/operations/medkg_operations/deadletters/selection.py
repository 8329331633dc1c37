"""Which dead letters are meant, and how many there are."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from medkg_contracts.deadletter import Letter
from medkg_contracts.dlq import DeadLetterEntry
from medkg_contracts.errors import MedkgError
from medkg_contracts.records import Place
from medkg_explain.trail import named_by

#: What a DLQ's topic ends with.
SUFFIX: Final = ".dlq.v1"


@dataclass(frozen=True, slots=True)
class DeadLetterFilter:
    """Which letters are meant; None fits all.

    Attributes:
        places: where they stand.
        topic: their DLQ.
        since: put there at this time or later, milliseconds since 1970-01-01 UTC.
        until: put there before this time.
    """

    places: frozenset[Place] | None = None
    topic: str | None = None
    code: str | None = None
    job: str | None = None
    tenant: str | None = None
    since: int | None = None
    until: int | None = None

    def fits(self, letter: Letter) -> bool:
        """Whether the letter is one of these."""
        pairs = (
            (self.topic, letter.place.topic),
            (self.code, letter.code),
            (self.job, job_of(letter)),
            (self.tenant, letter.text("ce_tenantid")),
        )
        if any(wanted is not None and wanted != value for wanted, value in pairs):
            return False
        if self.places is not None and letter.place not in self.places:
            return False
        return (self.since or 0) <= letter.timestamp and (self.until is None or letter.timestamp < self.until)


def job_of(letter: Letter) -> str | None:
    """The job that the letter is about, as far as its record says."""
    named = named_by(letter.original) or letter.text("ce_jobid")
    if named is not None or letter.original.key is None:
        return named
    try:
        return letter.original.key.decode()
    except UnicodeDecodeError:
        return None


def error_class(code: str) -> type[MedkgError]:
    """The class of the error tree that has this code; the root's for a code of another program."""
    return next((kind for kind in _tree(MedkgError) if kind.code == code), MedkgError)


def summary(letters: Iterable[DeadLetterEntry]) -> dict[tuple[str, str], int]:
    """How many letters there are of each topic and code, most first."""
    counts = Counter((entry.letter.place.topic, entry.letter.code) for entry in letters)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def is_dlq(topic: str) -> bool:
    """Whether a topic is a DLQ."""
    return topic.endswith(SUFFIX)


def _tree(kind: type[MedkgError]) -> Iterator[type[MedkgError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _tree(child)
