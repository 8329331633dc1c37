"""How well what is found agrees with what people have marked. Pure.

Strict: the same stretch and the same kind. Relaxed: one that overlaps, of the same kind; each counts once. Normalised:
of each document, which terms are named in it, wherever.
"""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal, TypeVar

T = TypeVar("T")

#: What became of a mention, marked or found.
Verdict = Literal["right", "wrong_id", "boundary", "type", "missed", "spurious"]


@dataclass(frozen=True, slots=True)
class Marked:
    """A stretch of a text with what it names.

    Attributes:
        ids: none where no term is known.
    """

    start: int
    end: int
    category: str
    ids: frozenset[str] = frozenset()

    def overlaps(self, other: "Marked") -> bool:
        """Whether they have a character in common."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Counts:
    """How often what was found was right, how often not, and how often something was missed."""

    right: int = 0
    spurious: int = 0
    missed: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        """Those of both."""
        return Counts(self.right + other.right, self.spurious + other.spurious, self.missed + other.missed)

    @property
    def precision(self) -> float:
        """The share of what was found that is right; 0 where nothing was."""
        return self.right / max(self.right + self.spurious, 1)

    @property
    def recall(self) -> float:
        """The share of what was marked that was found; 0 where nothing was."""
        return self.right / max(self.right + self.missed, 1)

    @property
    def f1(self) -> float:
        """The harmonic mean of both."""
        return 2 * self.right / max(2 * self.right + self.spurious + self.missed, 1)


@dataclass(frozen=True, slots=True)
class Score:
    """By the three measures."""

    strict: Counts = Counts()
    relaxed: Counts = Counts()
    normalised: Counts = Counts()

    def __add__(self, other: "Score") -> "Score":
        """Those of both."""
        return Score(self.strict + other.strict, self.relaxed + other.relaxed, self.normalised + other.normalised)


def score(gold: Iterable[Marked], found: Iterable[Marked], category: str) -> Score:
    """The score of one document for one category."""
    marked = {each for each in gold if each.category == category}
    told = {each for each in found if each.category == category}
    places, said = {(each.start, each.end) for each in marked}, {(each.start, each.end) for each in told}
    terms, named = (frozenset().union(*(each.ids for each in some)) for some in (marked, told))
    return Score(_agreement(places, said), _relaxed(places, said), _agreement(terms, named))


def _agreement(gold: AbstractSet[T], found: AbstractSet[T]) -> Counts:
    return Counts(len(gold & found), len(found - gold), len(gold - found))


def _relaxed(gold: set[tuple[int, int]], found: set[tuple[int, int]]) -> Counts:
    """Pairs those that are the same, then, from the left, those that overlap."""
    right = len(gold & found)
    left = sorted(gold - found)
    spurious = 0
    for start, end in sorted(found - gold):
        pair = next((each for each in left if each[0] < end and start < each[1]), None)
        if pair is None:
            spurious += 1
        else:
            left.remove(pair)
            right += 1
    return Counts(right, spurious, len(left))


def judged(gold: Sequence[Marked], found: Sequence[Marked]) -> tuple[list[Verdict], list[Verdict]]:
    """What became of each that was marked, and of each that was found.

    A mention is ``right`` or has the ``wrong_id`` where stretch and kind are the same; else it has another ``boundary``
    or ``type`` than one that it overlaps, or it overlaps none.
    """
    return [_verdict(each, found, "missed") for each in gold], [_verdict(each, gold, "spurious") for each in found]


def _verdict(one: Marked, others: Iterable[Marked], alone: Verdict) -> Verdict:
    near = [other for other in others if one.overlaps(other)]
    alike = [other for other in near if other.category == one.category]
    same = [other for other in alike if (other.start, other.end) == (one.start, one.end)]
    if same:
        return "right" if any(_agree(one.ids, other.ids) for other in same) else "wrong_id"
    if alike:
        return "boundary"
    return "type" if near else alone


def _agree(one: frozenset[str], other: frozenset[str]) -> bool:
    return bool(one & other) or one == other
