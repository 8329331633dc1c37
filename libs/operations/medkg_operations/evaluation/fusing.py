"""The search service's own fusion, of what it has found for an evaluation."""

from collections.abc import Mapping

from medkg_search.fusion import NAMED, fuse
from medkg_search.haystack import Document
from medkg_search.hybrid import Arm

from .rankings import Ranking


def fused_records(rankings: Mapping[str, Ranking], weights: Mapping[str, float]) -> list[str]:
    """The records of all rankings in the order in which a search would show them.

    Args:
        rankings: by arm, what it found.
        weights: by arm, above 0.
    """
    documents = {
        Arm(arm): [Document(id=found.record, score=found.score, meta={NAMED: found.named}) for found in ranking]
        for arm, ranking in rankings.items()
    }
    return [hit.record_id for hit in fuse(documents, {Arm(arm): weight for arm, weight in weights.items()})]
