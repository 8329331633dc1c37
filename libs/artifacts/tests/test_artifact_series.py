"""Editions of something large."""

import asyncio
import os
from pathlib import Path

import pytest
from medkg_artifacts import ArtifactStore, Edition, Series
from medkg_artifacts.series import KEPT_S
from medkg_contracts.artifacts import ArtifactRef
from medkg_contracts.errors import ArtifactMissing, ArtifactStoreUnavailable


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path)


async def piece(store: ArtifactStore, text: str) -> ArtifactRef:
    return await store.put("system", "piece", text.encode(), "text/plain")


def grown_old(store: ArtifactStore) -> None:
    """All that is there is older than it has to stay."""
    for path in sorted(each for each in store.root.rglob("*") if each.is_file()):
        os.utime(path, (0, 0))
        if path.suffix == ".json":
            path.rename(path.with_name(f"{int(path.stem) - int(2 * KEPT_S * 1e9):020}.json"))


async def test_newest_edition_comes_first(store: ArtifactStore) -> None:
    """Editions come back as they were added, the newest first; those of another series do not."""
    series = Series(store, "system", "snapshots")
    editions = [Edition(about={"number": number}, pieces=(await piece(store, str(number)),)) for number in range(3)]
    for edition in editions:
        await series.add(edition, keep=2)

    assert editions[::-1] == [edition for _, edition in await series.newest()]
    assert [] == await Series(store, "system", "others").newest()


async def test_old_editions_are_cleared_away(store: ArtifactStore) -> None:
    """Of old editions only so many stay; a piece that none of them has any more is deleted, a shared one is not."""
    series = Series(store, "system", "snapshots")
    shared, lost = await piece(store, "shared"), await piece(store, "lost")
    await series.add(Edition(about=1, pieces=(shared, lost)), keep=1)
    grown_old(store)
    await series.add(Edition(about=2, pieces=(shared,)), keep=1)

    assert [2] == [edition and edition.about for _, edition in await series.newest()]
    assert b"shared" == await store.get("system", shared)
    with pytest.raises(ArtifactMissing):
        await store.get("system", lost)


async def test_young_editions_stay(store: ArtifactStore) -> None:
    """What was added or touched lately stays, since somebody may be reading it or using it again."""
    series = Series(store, "system", "snapshots")
    touched = await piece(store, "touched")
    await series.add(Edition(about=1, pieces=(touched,)), keep=1)
    grown_old(store)
    there = await store.touch("system", touched)
    await series.add(Edition(about=2, pieces=()), keep=1)
    await series.add(Edition(about=3, pieces=()), keep=1)

    assert there
    assert b"touched" == await store.get("system", touched)
    assert [3, 2] == [edition and edition.about for _, edition in await series.newest()]


async def test_broken_edition_is_shown_as_such(store: ArtifactStore) -> None:
    """A file that is no edition has a place in the list, so that it can be named."""
    series = Series(store, "system", "snapshots")
    await series.add(Edition(about=1, pieces=()), keep=2)
    ((path, _),) = await series.newest()
    await asyncio.to_thread(Path(path).write_bytes, b"{")

    assert [(path, None)] == await series.newest()


async def test_missing_piece_cannot_be_touched(store: ArtifactStore) -> None:
    """Touching says whether the piece is there."""
    ref = await piece(store, "gone")
    store.discard("system", ref, before=2**40)

    assert not await store.touch("system", ref)


async def test_unwritable_series_is_retryable(tmp_path: Path) -> None:
    """A folder that cannot be written is an error that passes."""
    (tmp_path / "file").write_text("")

    with pytest.raises(ArtifactStoreUnavailable):
        await Series(ArtifactStore(tmp_path / "file"), "system", "snapshots").add(Edition(about=1, pieces=()), keep=1)
