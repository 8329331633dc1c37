"""What a search found for a query: chunks, and the documents that they are of."""

from collections.abc import Sequence
from typing import NamedTuple


class Found(NamedTuple):
    """A chunk in a ranking.

    Attributes:
        record: what the index calls the chunk; each once in a ranking.
        document: the document's id at its source.
        score: what the arms alone make of it, the higher the better.
        named: the query names it, so that it comes before what it does not, whatever the score.
        reranked: a reranker has set its rank.
    """

    record: str
    document: str
    score: float = 0.0
    named: bool = False
    reranked: bool = False


#: Chunks, best first.
Ranking = Sequence[Found]


def by_arms(ranking: Ranking) -> Ranking:
    """The ranking as the arms alone make it: as it is, unless a reranker has changed it."""
    if not any(found.reranked for found in ranking):
        return ranking
    return sorted(ranking, key=lambda found: (not found.named, -found.score, found.record))


def best_documents(ranking: Ranking, depth: int) -> list[str]:
    """The documents in the order of their best chunks, each once, at most so many."""
    return list(dict.fromkeys(found.document for found in ranking))[:depth]
