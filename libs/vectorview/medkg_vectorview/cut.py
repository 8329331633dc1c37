"""A view at one moment, as plain columns: what a snapshot consists of."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from medkg_contracts.changelog import LiveModel
from numpy.typing import NDArray

from .columns import Numbers, Packed
from .faiss_adapter import Approximate, Matrix
from .key_table import Keys
from .names import NameList

#: Rows of a block of vectors; a multiple of 8, so that a block's bits begin with a byte.
BLOCK: Final = 8192


@dataclass(frozen=True, slots=True)
class GenerationCut:
    """The vectors of one model; `VectorRows` and `Generation` say what the columns are.

    Attributes:
        model: the first 12 digits of the model's revision.
        size: rows.
        on_disk: the blocks lie in files.
        written: the blocks that were written to since the last cut.
    """

    model: str
    dimension: int
    size: int
    keys: Keys
    documents: Numbers
    versions: Numbers
    live: Packed
    visible: Packed
    blocks: tuple[Matrix, ...]
    on_disk: bool
    written: frozenset[int]
    approximate: Approximate | None
    covered: Packed


@dataclass(frozen=True, slots=True)
class TenantCut:
    """A tenant: the names of its documents and of their versions by number, and each document's visible version."""

    name: str
    live: LiveModel | None
    documents: NameList
    versions: NameList
    visible: Numbers
    orders: NDArray[np.int64]
    generations: tuple[GenerationCut, ...]
