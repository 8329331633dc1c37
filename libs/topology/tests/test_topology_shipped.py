"""The topologies that medkg comes with."""

from pathlib import Path

import pytest
from medkg_topology.catalog import Catalog, lint
from medkg_topology.plan import GateNode

TOPOLOGIES = Path(__file__).parents[3] / "topologies"
FOLDERS = [TOPOLOGIES, *sorted((TOPOLOGIES / "versions").glob("*-*-*"))]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_all_load(folder: Path) -> None:
    """Neither the present files nor a frozen copy has a problem."""
    assert lint(folder) == ()


@pytest.mark.parametrize(
    "path", sorted(path for folder in FOLDERS for path in folder.rglob("p*/*.yaml")), ids=lambda path: path.name
)
def test_editors_find_the_schema(path: Path) -> None:
    """The first line of each file names a schema that is there."""
    first = path.read_text().splitlines()[0]

    assert (path.parent / first.removeprefix("# yaml-language-server: $schema=")).is_file()


def test_clinical_trials() -> None:
    """Trials go from the source to the index, chunked only when they are valid."""
    plan = Catalog(TOPOLOGIES).resolve(None, "ctgov")

    assert plan.name == "clinical-trials"
    assert [(node.name, node.depends_on) for node in plan.nodes] == [
        ("ingest", ()),
        ("parse", ("ingest",)),
        ("validate", ("parse",)),
        ("chunk", ("validate",)),
        ("index", ("chunk",)),
    ]


def test_batch() -> None:
    """A batch is one stage, and no source's jobs take it by themselves."""
    catalog = Catalog(TOPOLOGIES)

    assert [node.name for node in catalog.resolve("batch", "ctgov").nodes] == ["expand"]
    assert "batch" not in catalog.sources.values()


def test_reviewed() -> None:
    """The gate lets the document through after 15 minutes at the latest."""
    gate = Catalog(TOPOLOGIES).plans["clinical-trials-reviewed"].by_name["approval"]

    assert isinstance(gate, GateNode)
    assert ("approvals.v1", 900, "continue") == (gate.event_topic, gate.deadline_s, gate.on_timeout)
