"""Measures a search node's view of the vectors: ``python -m tests.benchmarks.vectors``.

Reported for each kind of index: how long a snapshot takes to load, what a vector takes in memory, how many searches a
second there are, and which share of the ten nearest is found. Each is measured in a process of its own.
"""

import argparse
import asyncio
import hashlib
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, time
from typing import Final

import numpy as np
import orjson
from medkg_artifacts import ArtifactStore
from medkg_contracts.changelog import VectorChange, VectorKey, VectorPut, VisibleVersion
from medkg_contracts.vectors import EmbeddingModel
from medkg_vectorview import Shard, Sizes, VectorView
from medkg_vectorview.place import Extent, Reading
from medkg_vectorview.settings import Kind
from medkg_vectorview.snapshots import Snapshots
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from .usage import rss_mb

Matrix = NDArray[np.float32]

_TENANT: Final = "public"
_ROWS: Final = 1_000_000
_DIMENSION: Final = 384
_QUERIES: Final = 100
_NEAREST: Final = 10
#: Chunks of a document.
_CHUNKS: Final = 5
_BATCH: Final = 500
#: Texts' vectors lie near a surface of few dimensions, in clusters.
_INNER_DIMENSIONS: Final = 48
_CLUSTERS: Final = 2000
_SPREAD: Final = 0.5
_NOISE: Final = 0.15
_EXTENT: Final = Extent({0: 0}, {0: 0}, kept_s=2.0**40)


@dataclass(frozen=True, slots=True)
class Filled:
    """How the view came about.

    Attributes:
        changes_per_s: that were taken over: vectors, and versions that are to be seen.
        snapshot_s: that the first snapshot took, and the second, in which little had changed.
    """

    changes_per_s: float
    snapshot_s: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Measured:
    """A kind of index.

    Attributes:
        load_s: seconds from an empty process to a view that can be searched.
        build_s: seconds of building the index, on half the cores; 0 where there is none.
        reload_s: seconds of loading a snapshot with the index in it.
        vector_bytes: what a vector takes in memory, all that belongs to it included, by our own count.
        raw: that, as a multiple of the vector alone.
        resident: the growth of the process's resident memory by loading, as a multiple of the vectors alone.
        searches_per_s: one after the other, and on two threads.
        recall: the share of the ten nearest that is found.
    """

    kind: Kind
    load_s: float
    build_s: float
    reload_s: float
    vector_bytes: float
    raw: float
    resident: float
    searches_per_s: tuple[float, float]
    recall: float


class Texts:
    """Made vectors, distributed as those of texts are, roughly."""

    def __init__(self, dimension: int) -> None:
        random = np.random.default_rng(0)
        self.model = EmbeddingModel(name="bench", revision="0" * 64, dimension=dimension)
        self._surface = random.standard_normal((_INNER_DIMENSIONS, dimension), np.float32)
        self._clusters = random.standard_normal((_CLUSTERS, _INNER_DIMENSIONS), np.float32)

    def vectors(self, count: int, seed: int) -> Matrix:
        """So many vectors, others for another seed."""
        random = np.random.default_rng(seed)
        inner = self._clusters[random.integers(_CLUSTERS, size=count)]
        inner = inner + _SPREAD * random.standard_normal(inner.shape, np.float32)
        noise = random.standard_normal((count, self.model.dimension), np.float32)
        return np.ascontiguousarray(inner @ self._surface + _NOISE * _INNER_DIMENSIONS**0.5 * noise, np.float32)

    def batches(self, rows: int) -> Iterator[list[VectorChange]]:
        """Changes as an index writes them."""
        for begin in range(0, rows, _BATCH):
            vectors = self.vectors(min(_BATCH, rows - begin), seed=1 + begin)
            changes: list[VectorChange] = []
            for number, vector in enumerate(vectors, begin):
                document = f"pubmed:{number // _CHUNKS:08}"
                version = hashlib.sha256(document.encode()).hexdigest()[:32]
                record_id = hashlib.sha256(str(number).encode()).hexdigest()[:32]
                key = VectorKey(_TENANT, document, record_id, self.model.revision[:12])
                changes.append(VectorPut(key, version, self.model.ref, vector.tobytes()))
                if number % _CHUNKS == _CHUNKS - 1 or number == rows - 1:
                    changes.append(
                        VisibleVersion(
                            tenant=_TENANT, document_id=document, version=version, order=1, chunks=number % _CHUNKS + 1
                        )
                    )
            yield changes


def fill(folder: Path, rows: int, dimension: int) -> Filled:
    """Make a view, and a snapshot of it."""
    texts, view = Texts(dimension), VectorView(Sizes(flat=rows))
    count, seconds = 0, 0.0
    for changes in texts.batches(rows):
        began = perf_counter()
        refused = view.apply(changes)
        seconds += perf_counter() - began
        count += len(changes)
        if refused:
            raise AssertionError(refused[0])
    snapshots = _snapshots(folder, Sizes(flat=rows))
    first = _written(snapshots, view)
    view.apply(next(texts.batches(1)))
    return Filled(count / seconds, (first, _written(snapshots, view)))


def measure(folder: Path, kind: Kind, rows: int, dimension: int) -> Measured:
    """Load the view, build the index, search; the exact result of ``flat`` is kept for the others to compare with."""
    texts = Texts(dimension)
    sizes = Sizes(flat=rows) if kind == "flat" else Sizes(flat=rows // 20, hnsw=rows if kind == "hnsw" else 0)
    texts.vectors(1, seed=0)
    before = rss_mb(os.getpid())
    began = perf_counter()
    snapshots = _snapshots(folder, sizes)
    view = _loaded(snapshots)
    load_s, resident = perf_counter() - began, rss_mb(os.getpid()) - before
    began = perf_counter()
    build_s = perf_counter() - began if view.build_indexes() else 0.0
    reload_s = load_s
    if build_s:
        with TemporaryDirectory(dir=folder) as other:
            indexed = _snapshots(Path(other), sizes)
            _written(indexed, view)
            del view
            began = perf_counter()
            view = _loaded(indexed)
            reload_s = perf_counter() - began
    queries = texts.vectors(_QUERIES, seed=rows + 2)
    (state,) = view.states()
    if state.kind != kind:
        raise AssertionError(f"the index is {state.kind}, not {kind}")
    return Measured(
        kind=kind,
        load_s=load_s,
        build_s=build_s,
        reload_s=reload_s,
        vector_bytes=state.nbytes / rows,
        raw=state.nbytes / state.raw_nbytes,
        resident=resident * 2**20 / state.raw_nbytes,
        searches_per_s=(_rate(view, texts.model, queries, 1), _rate(view, texts.model, queries, 2)),
        recall=_recall(folder / "exact.json", _nearest(view, texts.model, queries), exact=kind == "flat"),
    )


def _snapshots(folder: Path, sizes: Sizes) -> Snapshots:
    return Snapshots(ArtifactStore(folder), Shard(), sizes)


def _written(snapshots: Snapshots, view: VectorView) -> float:
    began = perf_counter()
    with view.cut() as cut:
        if not asyncio.run(snapshots.write(cut, Reading({0: 0}, time()))):
            raise AssertionError("the snapshot could not be written")
    return perf_counter() - began


def _loaded(snapshots: Snapshots) -> VectorView:
    loaded = asyncio.run(snapshots.load(_EXTENT))
    if loaded is None:
        raise AssertionError("there is no snapshot")
    return loaded[0]


def _nearest(view: VectorView, model: EmbeddingModel, queries: Matrix) -> list[list[str]]:
    return [[hit.record_id for hit in hits] for hits in view.search(_TENANT, model, queries, _NEAREST)]


def _rate(view: VectorView, model: EmbeddingModel, queries: Matrix, threads: int) -> float:
    with ThreadPoolExecutor(threads) as pool:
        began = perf_counter()
        list(pool.map(lambda query: view.search(_TENANT, model, query[None], _NEAREST), queries))
        return len(queries) / (perf_counter() - began)


def _recall(file: Path, found: list[list[str]], *, exact: bool) -> float:
    if exact:
        file.write_bytes(orjson.dumps(found))
    pairs = zip(found, orjson.loads(file.read_bytes()), strict=True)
    return float(np.mean([len({*some} & {*nearest}) / _NEAREST for some, nearest in pairs]))


def run(folder: Path, rows: int, dimension: int, kinds: Sequence[Kind]) -> tuple[Filled, list[Measured]]:
    """Measure these kinds, the first of which is ``flat``."""
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as pool:
        filled = pool.submit(fill, folder, rows, dimension).result()
        return filled, [pool.submit(measure, folder, kind, rows, dimension).result() for kind in kinds]


def _show(filled: Filled, measured: Sequence[Measured], console: Console) -> None:
    table = Table("", *(each.kind for each in measured), title="Vectors of a search node")
    lines = {
        "loaded from a snapshot": [f"{each.load_s:.1f} s" for each in measured],
        "index built": [f"{each.build_s:.1f} s" for each in measured],
        "loaded with the index": [f"{each.reload_s:.1f} s" for each in measured],
        "bytes a vector": [f"{each.vector_bytes:.0f}" for each in measured],
        "of the vectors alone": [f"{each.raw:.3f}" for each in measured],
        "of them, resident after loading": [f"{each.resident:.3f}" for each in measured],
        "searches/s, one thread": [f"{each.searches_per_s[0]:.1f}" for each in measured],
        "searches/s, two threads": [f"{each.searches_per_s[1]:.1f}" for each in measured],
        "recall@10": [f"{each.recall:.3f}" for each in measured],
    }
    for name, cells in lines.items():
        table.add_row(name, *cells)
    console.print(table)
    console.print(
        f"{filled.changes_per_s:.0f} changes/s; snapshots written in {filled.snapshot_s[0]:.1f} s, and in"
        f" {filled.snapshot_s[1]:.1f} s when little had changed; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and print its report."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.vectors", description=__doc__)
    parser.add_argument("--rows", type=int, default=_ROWS, help=f"vectors, by default {_ROWS}")
    parser.add_argument("--dimension", type=int, default=_DIMENSION, help=f"by default {_DIMENSION}")
    parser.add_argument("--kinds", nargs="*", choices=("hnsw", "ivfpq"), default=("hnsw", "ivfpq"), help="beside flat")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report as JSON as well")
    options = parser.parse_args(arguments)
    with TemporaryDirectory(prefix="medkg-vectors-") as folder:
        filled, measured = run(Path(folder), options.rows, options.dimension, ("flat", *options.kinds))
    _show(filled, measured, Console(width=110))
    if options.json:
        report = {"rows": options.rows, "filled": asdict(filled), "kinds": [asdict(each) for each in measured]}
        options.json.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
