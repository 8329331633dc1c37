"""Indexes that do not compare all vectors."""

from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest
from medkg_artifacts import ArtifactStore
from medkg_contracts.changelog import VectorChange, VectorDeleted, VectorKey, VectorPut
from medkg_contracts.vectors import EmbeddingModel
from medkg_vectorview import Hit, Shard, Sizes, VectorView
from medkg_vectorview.builder import Builder
from medkg_vectorview.place import Extent, Reading
from medkg_vectorview.snapshots import Snapshots
from numpy.typing import NDArray

from .changelog import TENANT, record_id, visible

MODEL = EmbeddingModel(name="tests", revision="a" * 64, dimension=16)
COUNT = 3000
SIZES = {"hnsw": Sizes(flat=500, hnsw=10_000), "ivfpq": Sizes(flat=500, hnsw=600)}


def vectors(count: int, seed: int = 0) -> NDArray[np.float32]:
    """Vectors in clusters, as those of texts are."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((50, MODEL.dimension), np.float32)
    return centres[random.integers(50, size=count)] + 0.4 * random.standard_normal((count, MODEL.dimension), np.float32)


def puts(rows: NDArray[np.float32], version: str = "1") -> list[VectorChange]:
    """A document with a chunk for each vector, and that it is to be seen."""
    changes: list[VectorChange] = []
    for number, row in enumerate(rows):
        name = f"document-{number}"
        key = VectorKey(TENANT, name, record_id(name, version, 0), MODEL.revision[:12])
        changes += [VectorPut(key, version, MODEL.ref, row.tobytes()), visible(name, version, int(version))]
    return changes


def deleted(number: int) -> VectorDeleted:
    """The tombstone of a document's first version's vector."""
    name = f"document-{number}"
    return VectorDeleted(VectorKey(TENANT, name, record_id(name, "1", 0), MODEL.revision[:12]))


def recall(view: VectorView, exact: VectorView, queries: NDArray[np.float32]) -> float:
    """Which share of the ten nearest is found."""
    pairs = zip(view.search(TENANT, MODEL, queries, 10), exact.search(TENANT, MODEL, queries, 10), strict=True)
    return float(np.mean([len({*found} & {*nearest}) / 10 for found, nearest in pairs]))


class Noting(VectorView):
    """Says when it has built what was wanted."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__(sizes)
        self.built = Event()

    def build_indexes(self, stopping: Callable[[], bool] = lambda: False) -> int:
        """Build, and say so."""
        built = super().build_indexes(stopping)
        self.built.set()
        return built


@pytest.mark.parametrize("kind", ["hnsw", "ivfpq"])
async def test_index_finds_most_of_the_nearest(kind: str, tmp_path: Path) -> None:
    """An index is built by size; what it finds has exact scores, follows changes, and is the same after a restart."""
    view, exact = VectorView(SIZES[kind]), VectorView()
    changes = puts(vectors(COUNT))
    view.apply(changes)
    exact.apply(changes)
    built = view.build_indexes()
    queries = vectors(20, seed=1)
    first = recall(view, exact, queries)
    changes = puts(vectors(200, seed=2), version="2")
    view.apply(changes)
    exact.apply(changes)
    changed = recall(view, exact, queries)
    snapshots = Snapshots(ArtifactStore(tmp_path), Shard(), SIZES[kind])
    with view.cut() as cut:
        assert await snapshots.write(cut, Reading({0: 0}, 2**40))
    loaded = await Snapshots(ArtifactStore(tmp_path), Shard(), SIZES[kind]).load(Extent({0: 0}, {0: 0}, 1.0))
    assert loaded is not None

    assert 1 == built
    assert [(kind, kind == "ivfpq")] == [(state.kind, state.on_disk) for state in view.states()]
    assert first > 0.9
    assert changed > 0.9
    assert [(kind, kind == "ivfpq")] == [(state.kind, state.on_disk) for state in loaded[0].states()]
    assert view.search(TENANT, MODEL, queries, 10) == loaded[0].search(TENANT, MODEL, queries, 10)


def test_new_vectors_are_found_at_once() -> None:
    """What was written since the index was built is found, what was replaced is not, and a filter is exact."""
    view = VectorView(SIZES["hnsw"])
    rows = vectors(COUNT)
    view.apply(puts(rows))
    view.build_indexes()
    view.apply(puts(-rows[:1], version="2"))
    (nearest,), (opposite,) = (view.search(TENANT, MODEL, query, 1) for query in (rows[:1], -rows[:1]))
    allowed = [record_id(f"document-{number}", "1", 0) for number in (5, 7)]
    (filtered,) = view.search(TENANT, MODEL, rows[5:6], 5, allowed)

    assert Hit(record_id("document-0", "2", 0), "document-0", "2", 1.0) == opposite[0]
    assert "document-0" != nearest[0].document_id
    assert ["document-5", "document-7"] == [hit.document_id for hit in filtered]


def test_index_is_built_anew_when_much_has_changed() -> None:
    """An index is built once for what there is, and again when more is new than is searched one by one."""
    view = VectorView(SIZES["hnsw"])
    view.apply(puts(vectors(COUNT)))
    counts = [view.build_indexes(), view.build_indexes()]
    view.apply(puts(vectors(COUNT // 2, seed=3), version="2"))
    counts.append(view.build_indexes())

    assert [1, 0, 1] == counts


def test_index_is_built_anew_when_much_is_gone() -> None:
    """What was deleted counts as much as what is new."""
    view = VectorView(SIZES["hnsw"])
    view.apply(puts(vectors(COUNT)))
    counts = [view.build_indexes()]
    view.apply([deleted(number) for number in range(600)])
    counts.append(view.build_indexes())
    view.apply([deleted(number) for number in range(600, 800)])
    counts.append(view.build_indexes())

    assert [1, 0, 1] == counts


def test_rows_that_are_used_again_are_not_looked_for_in_the_index() -> None:
    """Where vectors took the places of others, the new ones are found, though the index knows the old ones there."""
    view = VectorView(SIZES["hnsw"])
    view.apply(puts(vectors(COUNT)))
    view.build_indexes()
    view.apply([deleted(number) for number in range(100)])
    news = vectors(100, seed=4) + 10
    view.apply(puts(news, version="2"))
    found = view.search(TENANT, MODEL, news, 1)

    assert [record_id(f"document-{number}", "2", 0) for number in range(100)] == [hits[0].record_id for hits in found]


def test_searches_go_on_while_an_index_is_built() -> None:
    """A build waits for nobody and nobody for it: what is searched and changed meanwhile is right afterwards too."""
    view = VectorView(SIZES["hnsw"])
    rows = vectors(COUNT)
    view.apply(puts(rows))
    asked, go_on = Event(), Event()

    def stopping() -> bool:
        asked.set()
        return not go_on.wait(30)

    building = Thread(target=view.build_indexes, args=(stopping,))
    building.start()
    assert asked.wait(30)
    view.apply(puts(-rows[:1], version="2"))
    view.apply([deleted(0)])
    during = view.search(TENANT, MODEL, -rows[:1], 1)
    go_on.set()
    building.join()

    assert ["hnsw"] == [state.kind for state in view.states()]
    assert "document-0" == during[0][0].document_id
    assert during == view.search(TENANT, MODEL, -rows[:1], 1)


def test_builder_builds_in_a_thread_of_its_own() -> None:
    """Told to look, it builds what is wanted."""
    view = Noting(SIZES["hnsw"])
    view.apply(puts(vectors(COUNT)))
    builder = Builder()
    builder.look(view)

    assert view.built.wait(30)
    builder.stop()
    assert ["hnsw"] == [state.kind for state in view.states()]
