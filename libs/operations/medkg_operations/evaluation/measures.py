"""How good rankings are, by the measures of information retrieval; `ir-measures` computes them, as `trec_eval` does."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Final

from ir_measures import RR, R, evaluator, nDCG

from .collection import Judgments

#: The documents of a ranking that count.
DEPTH: Final = 100

#: What is measured, by the name that people know.
MEASURES: Final = {"nDCG@10": nDCG @ 10, "Recall@100": R @ 100, "MRR@10": RR @ 10}

#: The measure that weights are tuned by.
MAIN: Final = "nDCG@10"

_NAMES: Final = {measure: name for name, measure in MEASURES.items()}


def per_query(
    rankings: Mapping[str, Sequence[str]], judgments: Judgments, measures: Sequence[str] = tuple(MEASURES)
) -> dict[str, dict[str, float]]:
    """Each measure's value, 0 to 1, for each query that was judged; one that has no ranking has 0.

    Args:
        rankings: by query, ids of documents, best first, each once.
        judgments: by query, what documents are worth.
        measures: names of `MEASURES`.
    """
    # trec_eval sorts by score, and ties by id: the rank is the score, so that the ranking's own order counts.
    run = {
        query: {document: float(-rank) for rank, document in enumerate(ranking)} for query, ranking in rankings.items()
    }
    values: dict[str, dict[str, float]] = {name: dict.fromkeys(judgments, 0.0) for name in measures}
    judged = {query: dict(documents) for query, documents in judgments.items()}
    for metric in evaluator([MEASURES[name] for name in measures], judged).iter_calc(run):
        values[_NAMES[metric.measure]][metric.query_id] = metric.value
    return values


def means(values: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Each measure's mean over all queries."""
    return {name: fmean(of_queries.values()) for name, of_queries in values.items()}
