"""The graph out of a real Neo4j and into one again: the same facts."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from medkg_contracts.errors import Unfinished
from medkg_graph import GraphServer, GraphWriter
from medkg_graph.kgx.export import export_graph
from medkg_graph.kgx.files import Form
from medkg_graph.kgx.importing import import_graph
from neo4j import GraphDatabase

from .facts import claim, content, facts, wipe

pytestmark = pytest.mark.integration

PAIN = {"MESH:D1": "pain", "MESH:D2": "drug"}
#: Two documents that call a thing by different names, say opposite things, and are nodes themselves.
SAID = claim("t1", "MESH:D2", "biolink:treats", "MESH:D1", p_value=0.01)
DENIED = claim("t2", "MESH:D2", "biolink:treats", "MESH:D1").model_copy(update={"negated": True})


@pytest.fixture
async def server(neo4j_url: str) -> AsyncIterator[GraphServer]:
    """A Neo4j with two tenants' facts."""
    one = GraphServer(neo4j_url)
    await wipe(one)
    await GraphWriter(one).write(
        [
            facts("t1", PAIN, [SAID, claim("t1", "TRIAL:t1", "biolink:related_to", "MESH:D1", "a\tb|c")]),
            facts("t2", {**PAIN, "MESH:D1": "low back pain"}, [DENIED]),
            facts("t3", {"MESH:D1": "pain"}),
            facts("t1", {"MESH:D9": "secret"}, tenant="two"),
        ]
    )
    yield one
    await one.close()


@pytest.mark.parametrize("form", ["tsv", "jsonl"])
async def test_a_graph_that_left_comes_back_as_it_was(server: GraphServer, tmp_path: Path, form: Form) -> None:
    """Every node and relationship of the tenant, with all that they have; again it makes the same bytes."""
    before = await content(server)
    first = await export_graph(server, "one", str(tmp_path / "a.gz"), form, lambda _: None)
    await wipe(server)
    made = await import_graph(server, "one", first.files, lambda _: None, name="a")
    second = await export_graph(server, "one", str(tmp_path / "b.gz"), form, lambda _: None)

    assert (before, (3, 3, 0)) == (await content(server), (made.documents, made.edges, made.bad_rows))
    assert [path.read_bytes() for path in first.files] == [path.read_bytes() for path in second.files]
    assert (3, 5, 3) == (first.documents, first.nodes, first.edges)
    assert not [path for path in first.files if b"secret" in gzip.decompress(path.read_bytes())]


async def test_an_import_replaces_what_the_file_said_before(server: GraphServer, tmp_path: Path) -> None:
    """A file of others, again with another edge: exactly that is in the graph, beside all else; then it is removed."""
    before = await content(server)
    nodes, edges = tmp_path / "n.jsonl", tmp_path / "e.jsonl"
    nodes.write_text('{"id": "MESH:D1", "category": ["biolink:Disease"]}\n{"id": "CHEBI:1", "name": "x"}\n')
    edge = '{"subject": "CHEBI:1", "predicate": "biolink:%s", "object": "MESH:D1"}\n'
    counts = []
    for predicate in ("treats", "related_to"):
        edges.write_text(edge % predicate)
        made = await import_graph(server, "one", (nodes, edges), lambda _: None, name="x", source="infores:x")
        counts.append((made.documents, made.edges, made.removed))
    _, ties = await content(server)
    await GraphWriter(server).remove("one", {"kgx:x": 0})

    assert [(1, 1, 0), (1, 1, 1)] == counts
    assert ["CHEBI:1 RELATED_TO MESH:D1"] == [tie.split(" [")[0] for tie in ties if tie.startswith("CHEBI:1 ")]
    assert before == await content(server)


async def test_with_a_bad_row_nothing_is_written_unless_it_is_skipped(server: GraphServer, tmp_path: Path) -> None:
    """It is told either way."""
    nodes, edges = tmp_path / "n.jsonl", tmp_path / "e.jsonl"
    nodes.write_text('{"id": "CHEBI:1"}\n{"id": ""}\n')
    edges.write_text("")
    before = await content(server)
    refused = await import_graph(server, "one", (nodes, edges), lambda _: None, name="x")
    unchanged = await content(server)
    skipped = await import_graph(server, "one", (nodes, edges), lambda _: None, name="x", skip_bad=True)

    assert before == unchanged
    assert [(0, 1, 2), (1, 1, 2)] == [(each.documents, each.bad_rows, each.bad[0].line) for each in (refused, skipped)]


async def test_a_graph_that_changes_while_it_leaves_is_not_taken_for_whole(
    server: GraphServer, neo4j_url: str, tmp_path: Path
) -> None:
    """There are no files, and another try may do."""

    def change(_: int) -> None:
        with GraphDatabase.driver(neo4j_url) as driver:
            driver.execute_query("MATCH (d:Document {tenant: 'one', id: 't3'}) SET d.digest = 'another'")

    with pytest.raises(Unfinished, match="the graph of tenant 'one' changed while it was written"):
        await export_graph(server, "one", str(tmp_path / "x"), "tsv", change)

    assert [] == list(tmp_path.iterdir())  # noqa: ASYNC240 - a folder of the test
