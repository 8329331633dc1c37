"""What becomes of a view that is written and read again."""

import asyncio
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medkg_artifacts import ArtifactStore
from medkg_contracts.artifacts import ArtifactRef
from medkg_contracts.changelog import VectorChange, VectorDeleted
from medkg_contracts.vectors import EmbeddingModel
from medkg_vectorview import Shard, Sizes, VectorView
from medkg_vectorview.cut import BLOCK
from medkg_vectorview.place import Extent, Reading
from medkg_vectorview.snapshots import Snapshots

from .changelog import MODEL, TENANT, Expected, as_records, changes_of, compacted, deleted, key, live, put, visible
from .histories import DOCUMENTS, batches, histories

QUERY = np.array([[1, 0, 0, 0]], np.float32)
READING = Reading({0: 5}, time())
EXTENT = Extent({0: 0}, {0: 10}, kept_s=86_400)


def snapshots_in(folder: Path) -> Snapshots:
    """As a node that has just started has them."""
    return Snapshots(ArtifactStore(folder), Shard(), Sizes())


async def write(snapshots: Snapshots, view: VectorView, reading: Reading = READING) -> None:
    """Write a snapshot of the view."""
    with view.cut() as cut:
        assert await snapshots.write(cut, reading)


def shown(view: VectorView) -> tuple[object, ...]:
    """All that can be seen of a view."""
    return (
        view.visible_records(TENANT, MODEL),
        view.search(TENANT, MODEL, QUERY, 5),
        view.visible_versions(TENANT, DOCUMENTS),
        view.live(TENANT),
    )


def pieces(folder: Path) -> set[Path]:
    """What is stored of snapshots."""
    return set(folder.rglob("artifacts/*/*"))


class CountingStore(ArtifactStore):
    """Knows how many bytes it was given."""

    given = 0

    async def put(
        self, tenant: str, name: str, body: bytes, media_type: str = "application/json", *, inline: bool = True
    ) -> ArtifactRef:
        """Count, and store."""
        self.given += len(body)
        return await super().put(tenant, name, body, media_type, inline=inline)


@contextmanager
def store_folder() -> Iterator[Path]:
    """A folder for one example of a property."""
    with TemporaryDirectory() as folder:
        yield Path(folder)


@given(histories(), st.data())
@settings(max_examples=settings().max_examples // 2)
def test_restart_changes_nothing(changes: list[VectorChange], draw: st.DataObject) -> None:
    """From a snapshot of any moment, written upon another, and what stands behind it, the same view comes about."""
    whole = VectorView()
    whole.apply(changes)
    records = as_records(changes)
    first, second = sorted(draw.draw(st.tuples(*[st.integers(0, len(records))] * 2)))
    with store_folder() as folder:
        snapshots, view = snapshots_in(folder), VectorView()
        for batch in batches(draw, changes[:first]):
            view.apply(batch)
        asyncio.run(write(snapshots, view))
        view.apply(changes[first:second])
        asyncio.run(write(snapshots, view))
        loaded = asyncio.run(snapshots_in(folder).load(EXTENT))
    assert loaded is not None
    restarted, reading = loaded
    left = [record for record in compacted(records) if record.offset >= second]
    for batch in batches(draw, changes_of(left)):
        restarted.apply(batch)

    assert READING == reading
    assert shown(whole) == shown(restarted)


@given(histories(), histories())
@settings(max_examples=settings().max_examples // 2)
def test_snapshot_is_of_its_moment(before: list[VectorChange], after: list[VectorChange]) -> None:
    """What is changed while a snapshot is written is not in it."""
    view, expected = VectorView(), Expected()
    for change in before:
        expected.apply(change)
    view.apply(before)
    with store_folder() as folder:
        with view.cut() as cut:
            view.apply(after)
            assert asyncio.run(snapshots_in(folder).write(cut, READING))
        loaded = asyncio.run(snapshots_in(folder).load(EXTENT))

    assert loaded is not None
    assert expected.records() == loaded[0].visible_records(TENANT, MODEL)


@pytest.fixture
def view() -> VectorView:
    """With two documents."""
    view = VectorView()
    view.apply([put("a", "1", 0), visible("a", "1", 1), put("b", "1", 0, (0, 1, 0, 0)), visible("b", "1", 1)])
    view.apply([live(MODEL, 1)])
    return view


async def test_damaged_snapshot_is_passed_over(
    view: VectorView, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Where a piece of the newest snapshot is damaged, the one before is read, and the log names it."""
    snapshots = snapshots_in(tmp_path)
    await write(snapshots, view)
    before = pieces(tmp_path)
    view.apply([put("c", "1", 0), visible("c", "1", 1)])
    await write(snapshots, view)
    for piece in pieces(tmp_path) - before:
        piece.write_bytes(b"damaged")

    loaded = await snapshots_in(tmp_path).load(EXTENT)

    assert loaded is not None
    assert ["a", "b"] == sorted(loaded[0].visible_versions(TENANT, "abc"))
    assert "is passed over" in caplog.text
    assert "has other bytes than its name says" in caplog.text


def make_old(folder: Path) -> None:
    """The one snapshot is of an older format, and a newer one is broken."""
    (edition,) = folder.rglob("series/*/*.json")
    text = edition.read_text()
    assert '"format":1' in text
    edition.write_text(text.replace('"format":1', '"format":0'))
    edition.with_name("9" * 20 + ".json").write_bytes(b"{")


async def test_other_formats_are_passed_over(
    view: VectorView, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A snapshot of another format, or a file that is none, is passed over with a line in the log."""
    await write(snapshots_in(tmp_path), view)
    await asyncio.to_thread(make_old, tmp_path)

    assert None is await snapshots_in(tmp_path).load(EXTENT)
    assert "of another format than 1" in caplog.text
    assert "it cannot be read" in caplog.text


@pytest.mark.parametrize(
    ("extent", "reason"),
    [
        (replace(EXTENT, ends={0: 4}), "the topic was made anew"),
        (replace(EXTENT, begins={0: 6}), "begins at 6, behind 5"),
        (replace(EXTENT, kept_s=0.0), "Kafka keeps tombstones for 0 s"),
        (Extent({1: 0}, {1: 9}, 86_400), r"of the partitions \[0\], not \[1\]"),
    ],
)
async def test_snapshot_that_the_topic_does_not_go_on_from_is_passed_over(
    view: VectorView, tmp_path: Path, caplog: pytest.LogCaptureFixture, extent: Extent, reason: str
) -> None:
    """Where the topic is shorter, begins later, or may have dropped tombstones since, a snapshot is not used."""
    await write(snapshots_in(tmp_path), view)

    assert None is await snapshots_in(tmp_path).load(extent)
    assert caplog.messages
    assert re.search(reason, caplog.text)


async def test_only_what_has_changed_is_written_again(tmp_path: Path) -> None:
    """A block of vectors that has not changed since the last snapshot is stored once, unless it is gone."""
    view = VectorView()
    view.apply([put("a", str(chunk), chunk, (1, chunk, 0, 0)) for chunk in range(BLOCK + 8)])
    store = CountingStore(tmp_path)
    await write(Snapshots(store, Shard(), Sizes()), view)
    first, store.given = store.given, 0
    snapshots = Snapshots(store, Shard(), Sizes())
    loaded = await snapshots.load(EXTENT)
    assert loaded is not None
    loaded[0].apply([deleted("a", str(BLOCK), BLOCK), put("b", "1", 0)])
    await write(snapshots, loaded[0])
    second, store.given = store.given, 0
    for piece in pieces(tmp_path):
        piece.unlink()
    await write(snapshots, loaded[0])

    assert 0 < second < first - BLOCK * 15
    assert store.given > BLOCK * 16
    assert await snapshots_in(tmp_path).load(EXTENT)


async def test_what_has_changed_is_written(view: VectorView, tmp_path: Path) -> None:
    """A later snapshot has the vectors that were written since the one before."""
    snapshots = snapshots_in(tmp_path)
    await write(snapshots, view)
    view.apply([put("c", "1", 0, (3, 4, 0, 0)), visible("c", "1", 1)])
    await write(snapshots, view)
    loaded = await snapshots_in(tmp_path).load(EXTENT)

    assert loaded is not None
    assert shown(view) == shown(loaded[0])


async def test_a_model_without_vectors_takes_no_room_after_a_restart(tmp_path: Path) -> None:
    """What was discarded of it leaves nothing; the documents and the other model's vectors are as they were."""
    other = EmbeddingModel(name="other", revision="e" * 64, dimension=MODEL.dimension)
    both = [put("d1", "1", 0), put("d1", "1", 0, model=other), visible("d1", "1", 1)]
    view = VectorView()
    view.apply([*both, VectorDeleted(replace(key("d1", "1", 0), model=other.key))])
    await write(snapshots_in(tmp_path), view)
    loaded = await snapshots_in(tmp_path).load(EXTENT)

    assert loaded is not None
    assert [MODEL.key] == [each.model for each in loaded[0].states()]
    assert shown(view) == shown(loaded[0])


async def test_store_that_cannot_be_written_stops_nothing(
    view: VectorView, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a store there are no snapshots, and the log says why."""
    caplog.set_level(logging.WARNING)
    (tmp_path / "file").write_text("")
    snapshots = snapshots_in(tmp_path / "file")
    with view.cut() as cut:
        written = await snapshots.write(cut, READING)

    assert not written
    assert None is await snapshots.load(EXTENT)
    assert "no snapshot of the vectors' view could be written" in caplog.text
