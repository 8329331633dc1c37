"""A section's text as units: what is kept whole, each of at most so many tokens.

A unit is a sentence, a table that fits, or a row of one that does not. A sentence or a row that alone is longer than
the bound is cut between words, and a word that alone is longer than the bound between its characters.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from medkg_contracts.ir import Span

from .sentences import sentence_starts
from .tokens import Measure


class Unit(NamedTuple):
    """What is kept whole; each begins where the one before it ends.

    Attributes:
        size: in tokens.
        prose: it is a sentence or a part of one, rather than of a table.
    """

    start: int
    end: int
    size: int
    prose: bool


def units(text: str, *, tables: Sequence[Span], measure: Measure, bound: int) -> list[Unit]:
    """The text's units, in order; none has more tokens than the bound.

    Args:
        text: of one section.
        tables: where the text has tables, one row a line; in order, apart from each other and inside the text.
        measure: of the tokens.
        bound: the most tokens of one.
    """
    found: list[Unit] = []
    position = 0
    for table in tables:
        found += _within(text, _sentences(text, position, table.start, measure), measure, bound)
        rows = _rows(text, table.start, table.end, measure)
        size = sum(row.size for row in rows)
        whole = [Unit(table.start, table.end, size, prose=False)]
        found += whole if size <= bound else _within(text, rows, measure, bound)
        position = table.end
    found += _within(text, _sentences(text, position, len(text), measure), measure, bound)
    return found


def _within(text: str, units: Sequence[Unit], measure: Measure, bound: int) -> Iterator[Unit]:
    for unit in units:
        yield from [unit] if unit.size <= bound else _words(text, unit, measure, bound)


def _sentences(text: str, start: int, end: int, measure: Measure) -> list[Unit]:
    body = text[start:end]
    starts = sentence_starts(body)
    sentences = [body[one:other] for one, other in pairwise([*starts, len(body)])]
    return _measured(sentences, start, measure, prose=True)


def _rows(text: str, start: int, end: int, measure: Measure) -> list[Unit]:
    return _measured(text[start:end].splitlines(keepends=True), start, measure, prose=False)


def _measured(texts: Sequence[str], start: int, measure: Measure, *, prose: bool) -> list[Unit]:
    """The texts, one behind the other, as units."""
    found: list[Unit] = []
    for text, size in zip(texts, measure.count(texts), strict=True):
        found.append(Unit(start, start + len(text), size, prose))
        start += len(text)
    return found


def _words(text: str, unit: Unit, measure: Measure, bound: int) -> Iterator[Unit]:
    """The parts of a unit that is longer than the bound: cut before the last word that does not fit as a whole."""
    body = text[unit.start : unit.end]
    tokens = measure.starts(body)
    starts = [index for index, at in enumerate(tokens) if at == 0 or body[at - 1].isspace()]
    first, position = 0, unit.start
    while len(tokens) - first > bound:
        word = starts[place - 1] if (place := bisect_right(starts, first + bound)) else 0
        after = word if word > first else first + bound
        end = unit.start + tokens[after]
        yield Unit(position, end, after - first, unit.prose)
        first, position = after, end
    yield Unit(position, unit.end, len(tokens) - first, unit.prose)
