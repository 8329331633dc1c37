"""A stretch of text that names something, and which of several that overlap is kept. Pure."""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Found:
    """Something that was found in a text.

    Attributes:
        category: Biolink's.
        by: what found it, such as ``tagger``.
        score: how sure that is, from 0 to 1.
    """

    start: int
    end: int
    category: str
    by: str
    score: float = 1.0

    @property
    def length(self) -> int:
        """In characters."""
        return self.end - self.start


#: Of two that are equally long the one is kept whose finder knows more: the tagger has seen the sentence.
_RANK = {"tagger": 0, "abbreviation": 1, "repeat": 2, "dictionary": 3}


def settled(found: Iterable[Found]) -> list[Found]:
    """Those that are kept, in the order of the text: a longer one before those that it overlaps, whoever found it.

    A name within a name goes with it: "diabetes" in "diabetes insipidus" is no mention of its own.
    """
    kept: list[Found] = []  # in the order of the text
    for each in sorted(found, key=lambda one: (-one.length, _RANK.get(one.by, 9), one.start, one.category)):
        place = bisect_left(kept, each.start, key=lambda one: one.start)
        beside = kept[max(place - 1, 0) : place + 1]
        if not any(each.start < other.end and other.start < each.end for other in beside):
            kept.insert(place, each)
    return kept


def balanced(text: str, start: int, end: int) -> tuple[int, int]:
    """The stretch with both of its brackets or with none: the tagger decides word by word and may cut between them."""
    inside = text[start:end]
    if inside.endswith(")") and inside.count(")") > inside.count("("):
        return start, end - 1
    if inside.count("(") > inside.count(")") and text[end : end + 1] == ")":
        return start, end + 1
    return start, end
