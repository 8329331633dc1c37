"""Makes one ranking of those of the arms: weighted reciprocal rank fusion, by Haystack."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from .haystack import Document, DocumentJoiner
from .hybrid import Arm, Place

#: What the metadata of a hit have that is of what the query names.
NAMED: Final = "named"


@dataclass(frozen=True, slots=True)
class Fused:
    """A hit of the whole search.

    Attributes:
        record_id: the index's record.
        score: 1 for what is first in every arm.
        arms: where each arm that has found it has it.
        named: whether it is of what the query names.
        rerank: where the reranker has it.
    """

    record_id: str
    score: float
    arms: Mapping[Arm, Place] = field(default_factory=dict)
    named: bool = False
    rerank: Place | None = None


def fuse(rankings: Mapping[Arm, Sequence[Document]], weights: Mapping[Arm, float]) -> list[Fused]:
    """The hits of all rankings: those that the query names, and then all others; best first.

    A hit's score is the sum of ``weight / (60 + rank)`` over the arms that have it, scaled so that what is first in
    all of them has 1. Hits of one score come in the order of their ids, so that the same rankings give the same answer.

    Args:
        rankings: of each arm that was asked, its hits, each once, best first; empty for one that failed. A hit whose
            metadata have `NAMED` is of what the query names: an id or a rare name says more than what is near it.
        weights: of the arms, above 0.
    """
    arms = sorted(rankings)
    # The joiner pairs lists and weights by position; in a Haystack pipeline that runs concurrently the lists would
    # come in the order in which the arms end. It ranks from 0 with a constant of 61: from 1, that is 60.
    joiner = DocumentJoiner("reciprocal_rank_fusion", weights=[weights[arm] for arm in arms], sort_by_score=False)
    joined: list[Document] = joiner.run([list(rankings[arm]) for arm in arms])["documents"]
    places = {arm: _places(rankings[arm]) for arm in arms}
    named = {each.id for ranking in rankings.values() for each in ranking if each.meta.get(NAMED)}
    fused = [
        Fused(
            each.id,
            each.score or 0.0,
            {arm: places[arm][each.id] for arm in arms if each.id in places[arm]},
            each.id in named,
        )
        for each in joined
    ]
    return sorted(fused, key=lambda hit: (not hit.named, -hit.score, hit.record_id))


def _places(ranking: Sequence[Document]) -> dict[str, Place]:
    return {each.id: Place(rank=rank, score=each.score or 0.0) for rank, each in enumerate(ranking, 1)}
