"""The way to cut a document where its text turns to something else."""

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from medkg_contracts.ir import Span

from .coherence import Coherence, coherence, runs, threshold
from .cutting import Piece, pieces
from .models import Encoder
from .units import Unit
from .ways import Bound, Text

#: So many sentences of a document are embedded, since that is what takes time; a usual study has fewer than 100. A
#: section for which too many are is cut as by sentences.
MOST_SENTENCES: Final = 2048


@dataclass(frozen=True, slots=True)
class ByMeaning:
    """Ends chunks where the text turns to something else.

    Attributes:
        least: a chunk that ends at such a place has at least so many tokens, and so has what is left of its section.
        percentile: of a hundred places between sentences of the document, at so many it turns.
    """

    bound: Bound
    encoder: Encoder
    least: int
    percentile: float

    @property
    def label(self) -> str:  # noqa: D102
        return f"semantic/1/{self.least}/{self.percentile:g}/{self.encoder.ref}/{self.bound.label}"

    async def cut(self, sections: Sequence[Text]) -> Sequence[Sequence[Piece]]:  # noqa: D102
        found = [self.bound.units(section) for section in sections]
        texts = [section.text for section in sections]
        coherences = await self._coherences(texts, found)
        low = threshold(coherences, self.percentile)
        return [self._cut(*section, low) for section in zip(texts, found, coherences, strict=True)]

    async def _coherences(self, texts: Sequence[str], units: Sequence[Sequence[Unit]]) -> list[Coherence]:
        """How each section holds together."""
        looked_at = self._looked_at(texts, units)
        lengths = [len(run) for found in looked_at for run in found]
        if not lengths:
            return [Coherence()] * len(texts)
        sentences = [
            text[unit.start : unit.end].strip()
            for text, found in zip(texts, looked_at, strict=True)
            for run in found
            for unit in run
        ]
        rows = iter(np.split(await self.encoder.encode(sentences), np.cumsum(lengths)[:-1]))
        return [
            coherence(text, found, [next(rows) for _ in found]) for text, found in zip(texts, looked_at, strict=True)
        ]

    def _looked_at(self, texts: Sequence[str], units: Sequence[Sequence[Unit]]) -> list[list[list[Unit]]]:
        """Each section's runs of sentences; none of one that is too short to be cut, or of which there are too many."""
        left = MOST_SENTENCES
        looked_at: list[list[list[Unit]]] = []
        for text, own in zip(texts, units, strict=True):
            found = runs(text, own) if sum(unit.size for unit in own) >= 2 * self.least else []
            count = sum(map(len, found))
            looked_at.append(found if count <= left else [])
            left -= count if count <= left else 0
        return looked_at

    def _cut(self, text: str, units: Sequence[Unit], found: Coherence, low: float) -> list[Piece]:
        bound, measure = self.bound.own, self.bound.measure
        spans = turned(units, found, low, least=self.least, bound=bound)
        return [piece._replace(coherence=found.within(piece.span)) for piece in pieces(text, spans, measure, bound)]


def turned(units: Sequence[Unit], found: Coherence, low: float, *, least: int, bound: int) -> Iterator[Span]:
    """Pieces that end where coherence is low, or where it is least, if the bound ends them.

    Args:
        units: of one section.
        found: how it holds together.
        low: below which the text turns to something else.
        least: a piece that ends at one of those places has at least so many tokens, and so has what is left.
        bound: no piece has more tokens.
    """
    start = 0
    ahead = deque(units)
    left = sum(unit.size for unit in units)
    while ahead:
        count, size = _extent(ahead, left, found, low, least=least, bound=bound)
        end = [ahead.popleft() for _ in range(count)][-1].end
        yield Span(start=start, end=end)
        start, left = end, left - size


def _extent(
    units: Iterable[Unit], left: int, found: Coherence, low: float, *, least: int, bound: int
) -> tuple[int, int]:
    """How many of the units, and of their tokens, the piece has that begins with the first of them."""
    size = count = 0
    weakest, best = math.inf, (0, 0)
    for unit in units:
        if size and size + unit.size > bound:
            return best if best[0] else (count, size)
        count, size = count + 1, size + unit.size
        value = found.at(unit.end)
        if value is None or size < least or left - size < least:
            continue
        if value < low:
            return count, size
        if value < weakest:
            weakest, best = value, (count, size)
    return count, size
