"""All of FAISS that is used, whichever of ``faiss-cpu`` and ``faiss-gpu`` is installed: both own the module ``faiss``.

A GPU, where FAISS has one, does what takes longest: finding the centres of an IVF-PQ index's lists.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final, Literal

import faiss
import numpy as np
from numpy.typing import NDArray

from .columns import Numbers, Packed

#: Vectors, or scores: a row for each.
Matrix = NDArray[np.float32]

#: Neighbours of a vector in the graph, and how many candidates a search along it keeps at least.
HNSW_NEIGHBOURS: Final = 24
HNSW_BREADTH: Final = 96
#: Dimensions that share a byte of an IVF-PQ code, at least.
PQ_DIMENSIONS: Final = 4
#: Lists of an IVF-PQ index that a search looks through: a share, and at least so many.
PROBED_SHARE: Final = 1 / 64
PROBED: Final = 16
#: Vectors that each centre is made from; FAISS wants 39 and takes no more than 256.
TRAINED_BY: Final = 48


def has_gpu() -> bool:
    """Whether this FAISS is ``faiss-gpu``, and has a GPU to work on."""
    return hasattr(faiss, "StandardGpuResources") and faiss.get_num_gpus() > 0


def nearest(queries: Matrix, vectors: Matrix, count: int, among: Packed) -> tuple[Matrix, NDArray[np.int64]]:
    """The rows among those given that have the largest inner products, by comparing each.

    Args:
        queries: one a row.
        vectors: one a row, C-contiguous; they are not copied.
        count: how many are wanted for each query.
        among: the rows that count, as bits.

    Returns:
        The inner products, the largest first, and their rows; -1 where there are no more.
    """
    scores = np.empty((len(queries), count), np.float32)
    rows = np.empty((len(queries), count), np.int64)
    faiss.knn_inner_product(
        faiss.swig_ptr(queries), faiss.swig_ptr(vectors), vectors.shape[1], len(queries), len(vectors), count,
        faiss.swig_ptr(scores), faiss.swig_ptr(rows), faiss.IDSelectorBitmap(among),
    )  # fmt: skip
    return scores, rows


class Approximate:
    """An index that finds most of the nearest rows without comparing all; once built it does not change.

    Attributes:
        kind: how it does so.
        nbytes: what it takes in memory.
    """

    def __init__(self, kind: Literal["hnsw", "ivfpq"], index: faiss.Index) -> None:
        self.kind = kind
        self._index = index
        self.nbytes = 0
        faiss.write_index(index, faiss.PyCallbackIOWriter(self._weigh))

    def _weigh(self, piece: bytes) -> None:
        self.nbytes += len(piece)

    @property
    def size(self) -> int:
        """How many rows were built in."""
        return int(self._index.ntotal)

    @classmethod
    def build(
        cls,
        kind: Literal["hnsw", "ivfpq"],
        sample: Matrix,
        batches: Iterable[tuple[Numbers, Matrix]],
        lists: int,
        stopping: Callable[[], bool],
    ) -> "Approximate | None":
        """Build one of these rows and their vectors; None when it is to stop before it is done.

        Args:
            kind: which.
            sample: of the vectors, to train with.
            batches: all rows, with their vectors.
            lists: of an IVF-PQ index.
            stopping: asked between two batches.
        """
        index = _empty(kind, sample.shape[1], lists)
        # The other half is for those who search.
        with threads(faiss.omp_get_max_threads() // 2):
            index.train(sample)
            for rows, vectors in batches:
                if stopping():
                    return None
                index.add_with_ids(vectors, rows.astype(np.int64))
        return cls(kind, index)

    def search(self, queries: Matrix, count: int, among: Packed) -> NDArray[np.int64]:
        """For each query so many rows among those given that are near; -1 where there are no more."""
        selector = faiss.IDSelectorBitmap(among)
        if self.kind == "hnsw":
            parameters = faiss.SearchParametersHNSW(sel=selector, efSearch=max(HNSW_BREADTH, 2 * count))
        else:
            lists = self._index.nlist
            parameters = faiss.SearchParametersIVF(sel=selector, nprobe=max(PROBED, int(lists * PROBED_SHARE)))
        found: NDArray[np.int64] = self._index.search(queries, count, params=parameters)[1]
        return found

    def dump(self) -> NDArray[np.uint8]:
        """As bytes, in FAISS's own format."""
        body: NDArray[np.uint8] = faiss.serialize_index(self._index)
        return body

    @classmethod
    def load(cls, kind: Literal["hnsw", "ivfpq"], body: NDArray[np.uint8]) -> "Approximate":
        """What `dump` has given."""
        return cls(kind, faiss.deserialize_index(body))


def list_count(rows: int) -> int:
    """How many lists an IVF-PQ index of so many rows has: four times the root, as FAISS advises."""
    return max(1, int(4 * rows**0.5))


def _empty(kind: Literal["hnsw", "ivfpq"], dimension: int, lists: int) -> faiss.Index:
    if kind == "hnsw":
        # 8 bits a number: the graph only has to lead to the neighbourhood, the exact vectors decide.
        graph = faiss.index_factory(dimension, f"HNSW{HNSW_NEIGHBOURS}_SQ8", faiss.METRIC_INNER_PRODUCT)
        return faiss.IndexIDMap(graph)
    pieces = next(each for each in range(max(1, dimension // PQ_DIMENSIONS), 0, -1) if dimension % each == 0)
    # "np": the codes are never compared as bits, which FAISS else takes long to prepare.
    index = faiss.index_factory(dimension, f"IVF{lists},PQ{pieces}x8np", faiss.METRIC_INNER_PRODUCT)
    if has_gpu():
        index.clustering_index = faiss.index_cpu_to_all_gpus(faiss.IndexFlatIP(dimension))
    return index


@contextmanager
def threads(most: int) -> Iterator[None]:
    """FAISS uses at most so many threads for what the calling thread asks of it.

    A search of one query gains nothing from more, and waits for them where the machine has others to serve.
    """
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(max(1, min(most, before)))
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
