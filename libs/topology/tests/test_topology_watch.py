"""Watching: an edited file is a reload."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest
from medkg_topology.catalog import Catalog
from medkg_topology.changes import Change, Loaded, Refused, Removed
from medkg_topology.watch import watch

TEXT = 'version: "1.0"\nname: a\nstages:\n  - {name: ingest, type: IngestStage}\n'


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "policies.yaml").write_text("policies:\n  default: {timeout: 30s, attempts: 1}\n")
    (tmp_path / "pipelines" / "a.yaml").write_text(TEXT)
    return Catalog(tmp_path)


async def upcoming(changes: AsyncIterator[tuple[Change, ...]]) -> tuple[Change, ...]:
    async with asyncio.timeout(20):
        return await anext(changes)


async def test_an_edit_is_seen(catalog: Catalog) -> None:
    """A written file comes back as its change, and the catalog has it."""
    path = catalog.folder / "pipelines" / "a.yaml"
    async with aclosing(watch(catalog)) as changes:
        first = asyncio.create_task(upcoming(changes))
        path.write_text(TEXT.replace("1.0", "2.0"))

        assert await first == (Loaded(path.as_posix(), "a", catalog.plans["a"].digest),)
        assert catalog.plans["a"].version == "2.0"


async def test_an_edit_of_the_admission_settings_is_seen(catalog: Catalog) -> None:
    """The files beside the topologies are watched too."""
    async with aclosing(watch(catalog)) as changes:
        first = asyncio.create_task(upcoming(changes))
        (catalog.folder / "admission.yaml").write_text("window: 9\n")

        assert ["admission"] == [change.name for change in await first]
        assert 9 == catalog.admission.window


async def test_a_broken_edit_is_seen_and_watching_goes_on(catalog: Catalog) -> None:
    """A refusal ends nothing: the repair is the next change, and an edit under watch is noticed at once."""
    path = catalog.folder / "pipelines" / "a.yaml"
    async with aclosing(watch(catalog)) as changes:
        first = asyncio.create_task(upcoming(changes))
        path.write_text("a: [")
        broken = await first
        second = asyncio.create_task(upcoming(changes))
        path.write_text(TEXT)
        repaired = await second
        path.unlink()
        # Less than the time after which the folder is read without a notice.
        async with asyncio.timeout(4):
            removed = await anext(changes)

    assert [Refused, Loaded, Removed] == [type(broken[0]), type(repaired[0]), type(removed[0])]


async def test_cancelling_ends_the_watch(catalog: Catalog) -> None:
    """A service that stops is not held up."""
    async with aclosing(watch(catalog)) as changes:
        waiting = asyncio.create_task(upcoming(changes))
        await asyncio.wait([waiting], timeout=0.01)
        waiting.cancel()

        with pytest.raises(asyncio.CancelledError):
            await waiting
