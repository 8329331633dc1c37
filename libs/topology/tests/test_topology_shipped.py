"""The topologies that medkg comes with."""

from pathlib import Path

import pytest
from medkg_contracts.policy import Breaker, Policy, RateLimit
from medkg_topology.admission import Admission
from medkg_topology.catalog import Catalog, lint
from medkg_topology.plan import GateNode, StageNode
from medkg_topology.snapshot import load_policies

TOPOLOGIES = Path(__file__).parents[3] / "topologies"
FOLDERS = [TOPOLOGIES, *sorted((TOPOLOGIES / "versions").glob("*-*-*"))]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_all_load(folder: Path) -> None:
    """Neither the present files nor a frozen copy has a problem."""
    assert lint(folder) == ()


@pytest.mark.parametrize(
    "path", sorted(TOPOLOGIES.rglob("*.yaml")), ids=lambda path: path.relative_to(TOPOLOGIES).as_posix()
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


def test_auto() -> None:
    """Two models and what finds facts read a valid document's chunks side by side; the graph comes after the index."""
    plan = Catalog(TOPOLOGIES).resolve("auto", "pubmed")
    stages = [(node.name, node.service, node.depends_on) for node in plan.nodes if isinstance(node, StageNode)]

    assert [
        ("ingest", "ingest", ()),
        ("parse", "parse", ("ingest",)),
        ("ir_validation", "validate", ("parse",)),
        ("chunk", "chunk", ("ir_validation",)),
        ("embed", "embed", ("chunk",)),
        ("expand", "splade", ("chunk",)),
        ("extract", "extract", ("chunk",)),
        ("index", "index", ("embed", "expand", "extract")),
        ("kg", "kg", ("index",)),
    ] == stages
    assert ("entities", "claims", "index_receipt") == plan.by_name["kg"].inputs
    assert ("document", "chunks", "embeddings", "sparse_vectors", "entities") == plan.by_name["index"].inputs
    policies = {node.policy for node in plan.nodes if isinstance(node, StageNode) and node.name in {"embed", "expand"}}
    assert [(600, 5)] == [(policy.timeout_s, policy.attempts) for policy in policies]


def test_records() -> None:
    """Records that requests carry go to all arms of the search, and nothing limits how many a second."""
    plan = Catalog(TOPOLOGIES).resolve(None, "beir")

    assert "records" == plan.name
    assert [(node.name, node.depends_on) for node in plan.nodes] == [
        ("ingest", ()),
        ("parse", ("ingest",)),
        ("ir_validation", ("parse",)),
        ("chunk", ("ir_validation",)),
        ("embed", ("chunk",)),
        ("expand", ("chunk",)),
        ("index", ("embed", "expand")),
    ]
    assert {None} == {node.policy.rate for node in plan.nodes if isinstance(node, StageNode)}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_policies(folder: Path) -> None:
    """The three that people know by name do what they are known for."""
    policies = load_policies(folder / "policies.yaml").policies

    patient = {"initial_s": 1, "max_s": 10, "jitter_s": 1}
    assert Policy(name="default", timeout_s=30, attempts=3, backoff="exponential", **patient) == policies["default"]
    assert Policy(name="gpu-bound", timeout_s=60, breaker=Breaker(failures=5, reset_s=60)) == policies["gpu-bound"]
    assert (
        Policy(name="polite-api", timeout_s=10, attempts=10, backoff="linear", rate=RateLimit(per_s=5), **patient)
        == policies["polite-api"]
    )


def test_admission() -> None:
    """The file that is shipped says what holds without it, and shows the rest in comments."""
    assert Admission() == Catalog(TOPOLOGIES).admission


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
