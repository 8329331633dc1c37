"""Rollouts: part of the file, not of the plan."""

from pathlib import Path

import pytest
from medkg_topology.catalog import Catalog
from medkg_topology.changes import Loaded, Refused


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of policies, without a topology."""
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "policies.yaml").write_text("policies:\n  default: {timeout: 30s, attempts: 1}\n")
    return tmp_path


def put(folder: Path, name: str, *lines: str) -> None:
    """Write a topology of one stage with these further lines."""
    text = "\n".join(['version: "1.0"', f"name: {name}", *lines, "stages: [{name: ingest, type: IngestStage}]", ""])
    (folder / "pipelines" / f"{name}.yaml").write_text(text)


def test_rollouts_are_known_by_name(folder: Path) -> None:
    """Only topologies with a rollout have a percentage, and 100 is one too."""
    put(folder, "a", "rollout: {percent: 10}")
    put(folder, "b", "rollout: {percent: 100}")
    put(folder, "c")

    assert {"a": 10, "b": 100} == Catalog(folder).rollouts


def test_another_percentage_is_the_same_version(folder: Path) -> None:
    """It is reported, with the digest of before."""
    put(folder, "a", "rollout: {percent: 10}")
    catalog = Catalog(folder)
    digest = catalog.plans["a"].digest
    put(folder, "a", "rollout: {percent: 50}")

    file = (folder / "pipelines" / "a.yaml").as_posix()
    assert (Loaded(file, "a", digest, 50),) == catalog.reload()
    assert ({"a": 50}, digest) == (catalog.rollouts, catalog.plans["a"].digest)


def test_the_end_of_a_rollout_is_reported(folder: Path) -> None:
    """Without the block, all new jobs take the version."""
    put(folder, "a", "rollout: {percent: 10}")
    catalog = Catalog(folder)
    put(folder, "a")

    assert [None] == [change.rollout for change in catalog.reload() if isinstance(change, Loaded)]
    assert {} == catalog.rollouts


@pytest.mark.parametrize("line", ["rollout: {percent: 0}", "rollout: {percent: 50}\nsources: [x]"])
def test_a_broken_edit_keeps_the_percentage(folder: Path, line: str) -> None:
    """The last good version is taken by as many jobs as before."""
    put(folder, "a", "rollout: {percent: 10}")
    catalog = Catalog(folder)
    put(folder, "a", line)

    assert [Refused] == [type(change) for change in catalog.reload()]
    assert {"a": 10} == catalog.rollouts


def test_a_topology_that_never_was_good_has_no_rollout(folder: Path) -> None:
    """There is no version that anybody could take."""
    put(folder, "a", "rollout: {percent: 10}", "sources: [x]")

    assert {} == Catalog(folder).rollouts
