"""`medkg graph` asks a real Neo4j, and ends as the shell expects."""

import asyncio
from pathlib import Path

import pytest
from medkg_contracts.knowledge import Claim, Claims, Entities, Entity, Extraction, RecordEvidence
from medkg_graph import GraphServer, GraphWriter, facts_of
from medkg_stack.ports import free_port

from .calling import medkg, medkg_json

pytestmark = pytest.mark.integration

TENANT = "graph-cli"


@pytest.fixture(scope="module")
def written(neo4j_url: str) -> None:
    """A study of a drug for pain."""
    entities = Entities(
        document_id="ctgov:NCT00000001",
        document=Entity(id="CLINICALTRIALS:NCT00000001", category="biolink:ClinicalTrial", name="A trial"),
        entities=(
            Entity(id="MESH:D1", category="biolink:Drug", name="Pregabalin"),
            Entity(id="MESH:D2", category="biolink:Disease", name="Low Back Pain"),
        ),
        mentions=(),
        extraction=Extraction(version="1"),
    )
    claim = Claim(
        document_id="ctgov:NCT00000001",
        subject="MESH:D1",
        predicate="biolink:in_clinical_trials_for",
        object="MESH:D2",
        evidence=(RecordEvidence(payload="0" * 64, pointer="/a", value="x"),),
        knowledge_source="infores:clinicaltrials-gov",
        knowledge_level="knowledge_assertion",
        agent_type="manual_agent",
    )

    async def write() -> None:
        server = GraphServer(neo4j_url)
        await GraphWriter(server).write(
            [facts_of(TENANT, entities, Claims(document_id="ctgov:NCT00000001", claims=(claim,)))]
        )
        await server.close()

    asyncio.run(write())


@pytest.fixture(autouse=True)
def environment(neo4j_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the graph is."""
    monkeypatch.setenv("MK_NEO4J_URL", neo4j_url)


@pytest.mark.usefixtures("written")
def test_every_question_is_answered() -> None:
    """By id or by name, as JSON."""
    tenant = ("--tenant", TENANT)
    found = medkg_json("graph", "entity", "back pain", *tenant)
    near = medkg_json(
        "graph", "neighbours", "pregabalin", "--hops", "2", "--predicate", "in_clinical_trials_for", *tenant
    )
    ways = medkg_json("graph", "paths", "pregabalin", "MESH:D2", *tenant)
    said = medkg_json("graph", "evidence", "pregabalin", "low back pain", *tenant)
    tried = medkg_json("graph", "trials", "low back pain", "--kind", "drug", *tenant)
    rows = medkg_json("graph", "cypher", "MATCH (n:Drug {tenant: $t}) RETURN n.id", "--param", f"t={TENANT}")

    assert ["MESH:D2"] == [each["id"] for each in found["entities"]]
    assert ["MESH:D2"] == [each["node"]["id"] for each in near["neighbours"]]
    assert [["MESH:D1", "MESH:D2"]] == [[node["id"] for node in path["nodes"]] for path in ways["paths"]]
    assert [(1, 0)] == [(each["supporting"], each["contradicting"]) for each in said["statements"]]
    assert ("MESH:D2", []) == (tried["condition"]["id"], tried["trials"])
    assert [["MESH:D1"]] == rows["rows"]


@pytest.mark.usefixtures("written")
def test_people_read_the_same() -> None:
    """Without --json."""
    shown = medkg("graph", "evidence", "pregabalin", "--tenant", TENANT)

    assert (0, True) == (
        shown.exit_code,
        "Pregabalin —in_clinical_trials_for→ Low Back Pain  1 document says so, 0 deny it" in shown.stdout,
    )


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("neighbours", "nothing"), 3, "[not_found]"),
        (("evidence", "pregabalin", "--predicate", "cures"), 5, "the graph has no predicate 'cures'"),
        (("cypher", "CREATE (n)"), 5, "Writing in read access mode not allowed"),
        (("cypher", "RETURN $x", "--param", "x"), 5, "is not of the form name=value"),
    ],
)
@pytest.mark.usefixtures("written")
def test_what_cannot_be_answered_ends_with_its_code(words: tuple[str, ...], code: int, told: str) -> None:
    """And says what is wrong."""
    tenant = () if words[0] == "cypher" else ("--tenant", TENANT)
    ended = medkg("graph", *words, *tenant)

    assert (code, True) == (ended.exit_code, told in ended.stderr)


def test_a_graph_that_is_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """As any other server that does not answer."""
    monkeypatch.setenv("MK_NEO4J_URL", f"bolt://127.0.0.1:{free_port()}")
    monkeypatch.setattr("medkg_operations.graph.asking.PATIENCE_S", 0.1)
    ended = medkg("graph", "entity", "x")

    assert (4, True) == (ended.exit_code, "error [graph_unavailable]: Neo4j at bolt" in ended.stderr)


@pytest.mark.usefixtures("written")
def test_the_graph_leaves_and_comes_to_another_tenant(tmp_path: Path) -> None:
    """It is exported and imported by two commands, and says there what it said here."""
    made = medkg_json("graph", "export", str(tmp_path / "all.gz"), "--tenant", TENANT)
    come = medkg_json("graph", "import", *made["files"], "--tenant", f"{TENANT}-2")
    near = medkg_json("graph", "neighbours", "pregabalin", "--tenant", f"{TENANT}-2")

    assert [f"{tmp_path}/all_nodes.tsv.gz", f"{tmp_path}/all_edges.tsv.gz"] == made["files"]
    assert (1, 1, 0) == (come["documents"], come["edges"], come["bad_rows"])
    assert ["MESH:D2"] == [each["node"]["id"] for each in near["neighbours"]]


@pytest.mark.parametrize(("words", "code", "documents"), [((), 5, "0"), (("--skip-bad",), 1, "1")])
def test_bad_rows_are_shown_and_end_the_command(tmp_path: Path, words: tuple, code: int, documents: str) -> None:
    """With their file and line, on standard error; skipped or not, the shell hears of them."""
    nodes, edges = tmp_path / "n.tsv", tmp_path / "e.tsv"
    nodes.write_text("id\tcategory\nMESH:D1\tbiolink:Drug\nno curie\tbiolink:Drug\n")
    edges.write_text("subject\tpredicate\tobject\n")
    result = medkg("graph", "import", str(nodes), str(edges), "--tenant", f"{TENANT}-3", *words)

    assert code == result.exit_code
    assert f"{nodes}:3: id: String should match" in result.stderr
    assert ["documents", documents] == result.stdout.splitlines()[1].split()
