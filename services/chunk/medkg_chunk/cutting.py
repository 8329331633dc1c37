"""Cuts a section into pieces of at most so many tokens, at the best places that there are."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from medkg_contracts.ir import Span

from .tokens import Measure
from .units import Unit


class Piece(NamedTuple):
    """What becomes a chunk: without white space at its ends, and never empty.

    Attributes:
        tokens: with those that a reader adds.
        coherence: see `medkg_contracts.ir.Chunk`.
    """

    span: Span
    tokens: int
    coherence: float | None = None


def filled(units: Sequence[Unit], bound: int) -> Iterator[Span]:
    """Pieces of as many units as fit, in order: each begins where the one before it ends."""
    start = size = 0
    for unit in units:
        if size and size + unit.size > bound:
            yield Span(start=start, end=unit.start)
            start, size = unit.start, 0
        size += unit.size
    yield Span(start=start, end=units[-1].end if units else 0)


def pieces(text: str, spans: Iterable[Span], measure: Measure, bound: int) -> Iterator[Piece]:
    """The spans without white space at their ends, and measured; those of white space alone are left out.

    What a model makes of a text depends on where the text begins, so that a span may have more tokens than its units
    together: such a one is cut in halves. A character that alone has more tokens than the bound stays as it is.

    Args:
        text: of one section.
        spans: of it.
        measure: of the tokens.
        bound: the most tokens of one, without those that a reader adds.
    """
    stripped = [span for each in spans if (span := _stripped(text, each))]
    counts = measure.count([text[span.start : span.end] for span in stripped])
    for span, count in zip(stripped, counts, strict=True):
        if count <= bound or span.end - span.start == 1:
            yield Piece(span, count + measure.added)
        else:
            yield from pieces(text, _halves(text, span, measure), measure, bound)


def _stripped(text: str, span: Span) -> Span | None:
    body = text[span.start : span.end]
    if not (stripped := body.strip()):
        return None
    start = span.start + len(body) - len(body.lstrip())
    return Span(start=start, end=start + len(stripped))


def _halves(text: str, span: Span, measure: Measure) -> tuple[Span, Span]:
    """Cut between words if there are several, else between tokens, else between characters."""
    body = text[span.start : span.end]
    tokens = [at for at in measure.starts(body) if at]
    places = [at for at in tokens if body[at - 1].isspace()] or tokens or [len(body) // 2]
    middle = span.start + places[len(places) // 2]
    return Span(start=span.start, end=middle), Span(start=middle, end=span.end)
