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
    for whole in _measured(text, _wholes(text, tables), measure):
        parts = [whole]
        if whole.size > bound and not whole.prose:
            parts = _measured(text, _rows(text, whole), measure)
        for part in parts:
            found += [part] if part.size <= bound else _words(text, part, measure, bound)
    return found


def _measured(text: str, spans: Sequence[tuple[int, int, bool]], measure: Measure) -> list[Unit]:
    sizes = measure.count([text[start:end] for start, end, _ in spans])
    return [Unit(start, end, size, prose) for (start, end, prose), size in zip(spans, sizes, strict=True)]


def _wholes(text: str, tables: Sequence[Span]) -> list[tuple[int, int, bool]]:
    """Sentences and tables: where they are, and whether they are prose."""
    spans: list[tuple[int, int, bool]] = []
    position = 0
    for table in tables:
        spans += _sentences(text, position, table.start)
        spans.append((table.start, table.end, False))
        position = table.end
    return [*spans, *_sentences(text, position, len(text))]


def _sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int, bool]]:
    bounds = [*(start + offset for offset in sentence_starts(text[start:end])), end]
    return ((one, other, True) for one, other in pairwise(bounds))


def _rows(text: str, table: Unit) -> list[tuple[int, int, bool]]:
    rows: list[tuple[int, int, bool]] = []
    position = table.start
    for line in text[table.start : table.end].splitlines(keepends=True):
        rows.append((position, position + len(line), False))
        position += len(line)
    return rows


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
