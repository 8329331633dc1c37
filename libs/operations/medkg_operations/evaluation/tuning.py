"""Finds how much each arm should count in the fusion, on some queries, and what that is worth on others."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import permutations
from typing import Final, Protocol

from medkg_contracts.model import Contract

from .measures import DEPTH, MAIN, means, per_query
from .rankings import Found, Ranking, best_documents
from .significance import Difference, paired_difference
from .splits import Sides

#: Weights are tenths of a whole that all arms share; those in fifths are tried first, then the best one's neighbours.
TENTHS: Final = 10
_FIRST: Final = 2

#: By arm, how much it counts.
Weights = Mapping[str, float]
#: By arm and query, what it found.
ByArm = Mapping[str, Mapping[str, Ranking]]


class Fuse(Protocol):
    """Makes one ranking of those of several arms, as the search service does."""

    def __call__(self, rankings: Mapping[str, Ranking], weights: Weights) -> Sequence[str]:
        """The records of all rankings, best first; `weights` are those of the rankings' arms, above 0."""
        ...


class Tuning(Contract):
    """Weights that were found, and what they are worth.

    Attributes:
        weights: that were best where they were tuned, by arm; they add up to 1.
        present: the weights that they are compared with, which searches use now.
        training: where they were tuned.
        training_queries: how many queries that were.
        tuned_there: the main measure with the tuned weights, where they were tuned: too good to be true.
        present_there: with the present weights.
        other: where they were measured.
        measures: each measure with the tuned weights, on the other queries.
        present_measures: with the present weights.
        difference: between both, of the main measure, on the other queries.
    """

    weights: dict[str, float]
    present: dict[str, float]
    training: str
    training_queries: int
    tuned_there: float
    present_there: float
    other: str
    measures: dict[str, float]
    present_measures: dict[str, float]
    difference: Difference


def tune(found: ByArm, sides: Sides, present: Weights, fuse: Fuse, tried: Callable[[int], None]) -> Tuning:
    """Find the best weights on the training side, and measure them and the present ones on the other.

    Of weights that are equally good the most even ones are taken.

    Args:
        found: what each arm found for each query of both sides.
        sides: the queries.
        present: the weights that searches use now, for each arm of `found`.
        fuse: the search service's own fusion.
        tried: is told how many weights have been tried so far.
    """
    fusion = _Fusion(found, fuse)
    best = _best(sorted(found), lambda weights: fusion.mean(sides.training, weights), tried)
    tuned, before = (fusion.values(sides.other, weights) for weights in (best, present))
    return Tuning(
        weights=dict(best),
        present=dict(present),
        training=sides.training_name,
        training_queries=len(sides.training),
        tuned_there=fusion.mean(sides.training, best),
        present_there=fusion.mean(sides.training, present),
        other=sides.other_name,
        measures=means(tuned),
        present_measures=means(before),
        difference=paired_difference([tuned[MAIN][query] - before[MAIN][query] for query in sides.other]),
    )


def _best(arms: Sequence[str], worth: Callable[[Weights], float], tried: Callable[[int], None]) -> Weights:
    """The weights that are worth most, of those in fifths and of the best one's neighbours in tenths, and so on."""
    known: dict[tuple[int, ...], float] = {}

    def merit(shares: tuple[int, ...]) -> tuple[float, int]:
        if shares not in known:
            known[shares] = round(worth(_weights(arms, shares)), 6)
            tried(len(known))
        return known[shares], -sum(share**2 for share in shares)

    best = max(shares_of(len(arms), TENTHS, _FIRST), key=merit)
    while (better := max(neighbours(best), key=merit, default=best)) != best and merit(better) > merit(best):
        best = better
    return _weights(arms, best)


def shares_of(parts: int, whole: int, step: int = 1) -> Iterator[tuple[int, ...]]:
    """All ways to share a whole among so many, in steps."""
    if parts == 1:
        yield (whole,)
        return
    for first in range(0, whole + 1, step):
        for rest in shares_of(parts - 1, whole - first, step):
            yield (first, *rest)


def neighbours(shares: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """All ways in which one gives a part of its share to another."""
    for giver, taker in permutations(range(len(shares)), 2):
        if shares[giver]:
            yield tuple(share - (at == giver) + (at == taker) for at, share in enumerate(shares))


def _weights(arms: Sequence[str], shares: Sequence[int]) -> Weights:
    """As weights; an arm that has nothing is left out."""
    return {arm: share / TENTHS for arm, share in zip(arms, shares, strict=True) if share}


class _Fusion:
    """The fused rankings of queries, by weights."""

    def __init__(self, found: ByArm, fuse: Fuse) -> None:
        self._fuse = fuse
        self._found = found

    def mean(self, judgments: Mapping[str, Mapping[str, int]], weights: Weights) -> float:
        """The main measure's mean."""
        return means(self.values(judgments, weights, [MAIN]))[MAIN]

    def values(
        self, judgments: Mapping[str, Mapping[str, int]], weights: Weights, measures: Sequence[str] | None = None
    ) -> dict[str, dict[str, float]]:
        """The measures of each query."""
        fused = {query: self._documents(query, weights) for query in judgments}
        return per_query(fused, judgments) if measures is None else per_query(fused, judgments, measures)

    def _documents(self, query: str, weights: Weights) -> list[str]:
        rankings = {arm: self._found[arm].get(query, []) for arm in weights}
        documents = {hit.record: hit.document for ranking in rankings.values() for hit in ranking}
        fused = self._fuse(rankings, weights)
        return best_documents([Found(record, documents[record]) for record in fused], DEPTH)
