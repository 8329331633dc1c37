"""How well what was found agrees with what people have annotated."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from medkg_claims import Direction
from medkg_contracts.ir import Span
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from .collection import Comparison

#: Names that have at least so much in common are the same.
THRESHOLD: Final = 0.5

DIRECTIONS: Final[tuple[Direction, ...]] = (
    "significantly increased",
    "significantly decreased",
    "no significant difference",
)
_OPPOSITE: Final[Mapping[Direction, Direction]] = {
    "significantly increased": "significantly decreased",
    "significantly decreased": "significantly increased",
    "no significant difference": "no significant difference",
}
_WORD: Final = re.compile(r"[^\W_]+")
_WEIGHTLESS: Final = frozenset(
    {"a", "an", "the", "of", "in", "on", "for", "to", "and", "or", "with", "by", "at", "from", "as", "vs", "versus"}
)


@dataclass(frozen=True, slots=True)
class Found:
    """A claim that was found in an article.

    Attributes:
        span: where its quote is said to stand in the article's text; None if that is not said.
    """

    intervention: str
    comparator: str
    outcome: str
    direction: Direction
    quote: str
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """A found claim that is about an annotated comparison.

    Attributes:
        agrees: it has the direction, too.
    """

    comparison: int
    found: int
    agrees: bool


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    those: int = 0
    of: int = 0

    @property
    def value(self) -> float:
        """As a number from 0 to 1; 0 of nothing."""
        return self.those / self.of if self.of else 0.0

    def __add__(self, other: "Share") -> "Share":
        return Share(self.those + other.those, self.of + other.of)


@lru_cache(maxsize=65_536)
def words(name: str) -> frozenset[str]:
    """The words of a name that count, in lower case."""
    every = frozenset(_WORD.findall(name.casefold()))
    return every - _WEIGHTLESS or every


def likeness(one: str, other: str) -> float:
    """Dice's coefficient of two names' words: 1 if they have the same ones, 0 if none in common."""
    mine, others = words(one), words(other)
    return 2 * len(mine & others) / (len(mine) + len(others)) if mine or others else 1.0


def pairs(comparisons: Sequence[Comparison], found: Sequence[Found], threshold: float = THRESHOLD) -> list[Pair]:
    """Which found claim is about which annotated comparison, each at most one of the other.

    They are about the same if intervention, comparator and outcome are each at least as alike as the threshold; or if
    they are so with intervention and comparator exchanged, which turns the direction around. As many as can be are
    paired with the same direction, and of the rest as many as can be with another.
    """
    directions = {
        (row, column): said
        for row, comparison in enumerate(comparisons)
        for column, claim in enumerate(found)
        if (said := _said_of(comparison, claim, threshold)) is not None
    }
    agreeing = [key for key, said in directions.items() if comparisons[key[0]].direction in said]
    paired = [Pair(row, column, agrees=True) for row, column in _matching(agreeing, len(comparisons), len(found))]
    rows, columns = {pair.comparison for pair in paired}, {pair.found for pair in paired}
    rest = [(row, column) for row, column in directions if row not in rows and column not in columns]
    paired += [Pair(row, column, agrees=False) for row, column in _matching(rest, len(comparisons), len(found))]
    return sorted(paired, key=lambda pair: pair.comparison)


def _said_of(comparison: Comparison, claim: Found, threshold: float) -> set[Direction] | None:
    """The directions that the claim gives the comparison; None if it is about another."""
    if likeness(comparison.outcome, claim.outcome) < threshold:
        return None
    compared = (comparison.intervention, comparison.comparator)
    said: set[Direction] = set()
    for sides, direction in (
        ((claim.intervention, claim.comparator), claim.direction),
        ((claim.comparator, claim.intervention), _OPPOSITE[claim.direction]),
    ):
        if all(likeness(one, other) >= threshold for one, other in zip(compared, sides, strict=True)):
            said.add(direction)
    return said or None


def _matching(edges: Sequence[tuple[int, int]], rows: int, columns: int) -> list[tuple[int, int]]:
    if not edges:
        return []
    graph = csr_array((np.ones(len(edges), np.int8), tuple(zip(*edges, strict=True))), shape=(rows, columns))
    matched = maximum_bipartite_matching(graph, perm_type="column")
    return [(row, int(column)) for row, column in enumerate(matched) if column >= 0]


def f1(correct: int, found: int, annotated: int) -> float:
    """The harmonic mean of precision and recall; 0 where nothing is correct."""
    return 2 * correct / (found + annotated) if correct else 0.0


def stands(found: Found, text: str) -> bool:
    """Whether the quote stands in the text, letter by letter, and at its place if that is said."""
    if not found.quote:
        return False
    if found.span is None:
        return found.quote in text
    return text[found.span.start : found.span.end] == found.quote


def macro_f1(said: Iterable[tuple[Direction, Direction | None]]) -> float:
    """The mean over the annotated directions of each one's F1, of pairs of what is annotated and what was said."""
    counts = Counter(said)
    scores = []
    for direction in DIRECTIONS:
        correct = counts[direction, direction]
        annotated = sum(number for (gold, _), number in counts.items() if gold == direction)
        answered = sum(number for (_, said), number in counts.items() if said == direction)
        if annotated:
            scores.append(f1(correct, answered, annotated))
    return sum(scores) / len(scores) if scores else 0.0
