"""The search service's own fusion, of nothing but records' ids."""

from collections.abc import Mapping, Sequence

from medkg_search.fusion import fuse
from medkg_search.haystack import Document
from medkg_search.hybrid import Arm


def fused_records(rankings: Mapping[str, Sequence[str]], weights: Mapping[str, float]) -> list[str]:
    """The records of all rankings in the order in which a search would show them.

    Args:
        rankings: by arm, the ids of what it found, best first.
        weights: by arm, above 0.
    """
    documents = {
        Arm(arm): [Document(id=record, score=-float(rank)) for rank, record in enumerate(ranking)]
        for arm, ranking in rankings.items()
    }
    return [hit.record_id for hit in fuse(documents, {Arm(arm): weight for arm, weight in weights.items()})]
