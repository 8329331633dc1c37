"""What a search found for a query: chunks, and the documents that they are of."""

from collections.abc import Sequence
from typing import NamedTuple


class Found(NamedTuple):
    """A chunk in a ranking.

    Attributes:
        record: what the index calls the chunk; each once in a ranking.
        document: the document's id at its source.
    """

    record: str
    document: str


#: Chunks, best first.
Ranking = Sequence[Found]


def best_documents(ranking: Ranking, depth: int) -> list[str]:
    """The documents in the order of their best chunks, each once, at most so many."""
    return list(dict.fromkeys(found.document for found in ranking))[:depth]
