"""What an arm finds: a record of the index, before it is known whether it counts."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candidate:
    """A record that matched.

    Attributes:
        record_id: one chunk in one version of its document.
        document_id: the document.
        version: the document's version that the record belongs to.
        vectors: whether it has dense vectors, so that the view of the changelog decides whether it is seen.
        score: the arm's.
        clauses: those of the arm's clauses with a name that it has matched.
    """

    record_id: str
    document_id: str
    version: str
    vectors: bool
    score: float
    clauses: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Visibility:
    """Which versions of documents are to be seen.

    Attributes:
        versions: the visible version of each document that has one.
        undecided: documents of which nobody who answered knows.
    """

    versions: Mapping[str, str]
    undecided: frozenset[str] = frozenset()

    def shows(self, candidate: Candidate) -> bool:
        """Whether the record counts as a hit.

        One with vectors does if it is of the visible version: so a version comes into sight in all arms at once. One
        without has no part in the view, and is seen as soon as the index has it.
        """
        return not candidate.vectors or self.versions.get(candidate.document_id) == candidate.version


def to_decide(candidates: Collection[Candidate]) -> list[str]:
    """The documents whose visible version has to be known, each once, in order."""
    return sorted({each.document_id for each in candidates if each.vectors})
