"""Cuts a section's text into pieces of at most so many tokens, at the best places that there are.

A piece ends at the end of a sentence or of a table's row. A sentence or a row that alone is longer than the bound
is cut between words, and a word that alone is longer than the bound between its characters.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

from medkg_contracts.ir import Span

from .sentences import sentence_starts
from .tokens import count_tokens, token_starts


def cut(text: str, *, tables: Sequence[Span], max_tokens: int) -> Iterator[Span]:
    """Where the text's pieces stand, in order: each begins where the one before it ends.

    Args:
        text: of one section.
        tables: where the text has tables, one row a line; in order, apart from each other and inside the text.
        max_tokens: no piece has more.
    """
    start = position = filled = 0
    for end, size in _units(text, tables, max_tokens):
        if filled and filled + size > max_tokens:
            yield Span(start=start, end=position)
            start, filled = position, 0
        filled += size
        position = end
    yield Span(start=start, end=len(text))


def _units(text: str, tables: Sequence[Span], max_tokens: int) -> Iterator[tuple[int, int]]:
    """What is kept whole, each within the bound: its end and its number of tokens."""
    for start, end in _wholes(text, tables, max_tokens):
        size = count_tokens(text[start:end])
        if size <= max_tokens:
            yield end, size
        else:
            yield from _words(text, start, end, max_tokens)


def _wholes(text: str, tables: Sequence[Span], max_tokens: int) -> Iterator[tuple[int, int]]:
    """Sentences, tables that fit in one piece, and the rows of those that do not."""
    position = 0
    for table in tables:
        yield from _ranges(position, table.start, sentence_starts(text[position : table.start]))
        body = text[table.start : table.end]
        if count_tokens(body) <= max_tokens:
            yield table.start, table.end
        else:
            yield from _ranges(table.start, table.end, _line_starts(body))
        position = table.end
    yield from _ranges(position, len(text), sentence_starts(text[position:]))


def _ranges(start: int, end: int, starts: Sequence[int]) -> Iterator[tuple[int, int]]:
    bounds = [*(start + offset for offset in starts), end]
    yield from pairwise(bounds)


def _line_starts(text: str) -> list[int]:
    starts: list[int] = []
    position = 0
    for line in text.splitlines(keepends=True):
        starts.append(position)
        position += len(line)
    return starts


def _words(text: str, start: int, end: int, max_tokens: int) -> Iterator[tuple[int, int]]:
    """Cuts a range that is longer than the bound, before the last word that does not fit as a whole."""
    body = text[start:end]
    tokens = token_starts(body)
    words = [index for index, at in enumerate(tokens) if at == 0 or body[at - 1].isspace()]
    first = 0
    while len(tokens) - first > max_tokens:
        word = words[bisect_right(words, first + max_tokens) - 1]
        after = word if word > first else first + max_tokens
        yield start + tokens[after], after - first
        first = after
    yield end, len(tokens) - first
