"""How well a text holds together between its sentences, told by the sentences' embeddings."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from medkg_contracts.ir import Span
from numpy.typing import NDArray

from .units import Unit

#: So many sentences on each side of a place are compared: one says too little, and many hide where the text turns. Of
#: the 44 places where descriptions of studies had been put together, 32 were among the 44 of least coherence (by
#: bge-small-en-v1.5), where one sentence found 25, three 32 and four 29.
WINDOW: Final = 2

#: Digits behind the point that mean something, whatever the machine that made the embeddings.
_DIGITS: Final = 4


@dataclass(frozen=True, slots=True)
class Coherence:
    """How alike a section's sentences are.

    Attributes:
        places: between two sentences, in order.
        around: the cosine of the means of some sentences before and behind each.
        beside: the cosine of the two sentences beside it.
    """

    places: Sequence[int] = ()
    around: Sequence[float] = ()
    beside: Sequence[float] = ()

    def at(self, place: int) -> float | None:
        """How alike the text around the place is; None if it was not looked at."""
        number = bisect_left(self.places, place)
        return self.around[number] if number < len(self.places) and self.places[number] == place else None

    def within(self, span: Span) -> float | None:
        """How alike neighbours in the span are at least; None if it has none that were looked at."""
        inside = self.beside[bisect_right(self.places, span.start) : bisect_left(self.places, span.end)]
        return min(inside, default=None)


def runs(text: str, units: Iterable[Unit]) -> list[list[Unit]]:
    """The sentences of a section that follow each other without a table between them, where there are several."""
    found: list[list[Unit]] = [[]]
    for unit in units:
        if not unit.prose:
            found.append([])
        elif not text[unit.start : unit.end].isspace():
            found[-1].append(unit)
    return [run for run in found if len(run) > 1]


def coherence(text: str, runs: Sequence[Sequence[Unit]], vectors: Sequence[NDArray[np.float32]]) -> Coherence:
    """How alike the sentences are around each place between two of a run.

    What leads in, as "Inclusion criteria:" does, belongs to what follows, so that the place behind it is left out.

    Args:
        text: the section's.
        runs: its sentences.
        vectors: for each run those of its sentences, as rows.
    """
    found = [
        (unit.end, around, beside)
        for run, rows in zip(runs, vectors, strict=True)
        for unit, around, beside in zip(run[:-1], cosines(rows, WINDOW), cosines(rows, 1), strict=True)
        if not text[unit.start : unit.end].rstrip().endswith(":")
    ]
    return Coherence(*zip(*found, strict=True)) if found else Coherence()


def cosines(rows: NDArray[np.float32], window: int) -> list[float]:
    """The cosine of the mean of up to `window` rows before and behind each place between two rows."""
    count = len(rows)
    sums = np.concatenate([np.zeros((1, rows.shape[1])), np.cumsum(rows, axis=0, dtype=np.float64)])
    places = np.arange(1, count)
    before = sums[places] - sums[np.maximum(places - window, 0)]
    behind = sums[np.minimum(places + window, count)] - sums[places]
    lengths = np.linalg.norm(before, axis=1) * np.linalg.norm(behind, axis=1)
    products = np.einsum("ij,ij->i", before, behind)
    values = np.divide(products, lengths, out=np.ones_like(products), where=lengths > 0)
    return [round(float(value), _DIGITS) for value in values]


def threshold(found: Iterable[Coherence], percentile: float) -> float:
    """Below which the text turns to something else, so that so many of a hundred places of the document are turns."""
    values = [value for each in found for value in each.around]
    return float(np.percentile(values, percentile)) if values else -1.0
