"""A graph in a real Neo4j that somebody has damaged is found out, and brought back to what documents say."""

from collections.abc import AsyncIterator

import pytest
from medkg_graph import GraphRestorer, GraphServer, GraphWriter

from .facts import claim, content, facts, wipe

pytestmark = pytest.mark.integration

SAID = (("MESH:D2", "biolink:treats", "MESH:D1"), ("MESH:D1", "biolink:related_to", "MESH:D2"))
DOCUMENTS = [
    facts(
        document,
        {"MESH:D1": f"pain of {document}", "MESH:D2": "drug"},
        [claim(document, *said) for said in SAID],
        order=7,
    )
    for document in ("t1", "t2")
]  # fmt: skip

#: What somebody does to the graph behind our back.
DAMAGE = (
    "MATCH ()-[r:TREATS {document: 't1'}]->() DELETE r",
    "MATCH ()-[r:TREATS {document: 't1'}]->() SET r.evidence = []",
    "MATCH (a)-[r:TREATS {document: 't1'}]->(b) CREATE (b)-[:TREATS {tenant: 'one', id: 'other', document: 't1'}]->(a)",
    "MATCH (a)-[r:TREATS {document: 't1'}]->(b) WITH *, properties(r) AS p DELETE r CREATE (b)-[x:TREATS]->(a) SET x=p",
    "MATCH (a:Entity {id: 'MESH:D1'}), (b:Entity {id: 'MESH:D2'}) CREATE (a)-[:STRAY]->(b)",
    "MATCH (:Document {id: 't2'})-[s:SUPPORTS]->(:Entity {id: 'MESH:D1'}) DELETE s",
    "MATCH (:Document {id: 't2'})-[s:SUPPORTS]->(:Entity {id: 'MESH:D1'}) SET s.properties = '{}'",
    "MATCH (e:Entity {id: 'MESH:D1'}) SET e.name = 'gain'",
    "MATCH (e:Entity {id: 'MESH:D1'}) SET e.owner = '1:t2'",
    "MATCH (e:Entity {id: 'MESH:D1'}) SET e.owner = '1:a0'",
    "MATCH (e:Entity {id: 'MESH:D1'}) REMOVE e:Disease",
    "MATCH (e:Entity {id: 'MESH:D1'}) DETACH DELETE e",
    "CREATE (:Entity:Disease {tenant: 'one', id: 'MESH:D9', name: 'nobody says so'})",
    "MATCH (d:Document {id: 't1'}) CREATE (d)-[:SUPPORTS {label: 'X'}]->(:Entity {tenant: 'one', id: 'Y:9'})",
    "MATCH (d:Document {id: 't1'}) SET d.claims = []",
    "MATCH (d:Document {id: 't1'}) SET d.claims = d.claims + 'TREATS:0:0'",
    "MATCH (d:Document {id: 't1'}) SET d.digest = 'x'",
    "MATCH (d:Document {id: 't1'}) SET d.order = 6",
    "MATCH (d:Document {id: 't1'}) DETACH DELETE d",
    "MATCH (n {tenant: 'one'}) DETACH DELETE n",
)


@pytest.fixture
async def server(neo4j_url: str) -> AsyncIterator[GraphServer]:
    """A Neo4j that has two documents that describe the same things."""
    one = GraphServer(neo4j_url)
    await wipe(one)
    await GraphWriter(one).write(DOCUMENTS)
    yield one
    await one.close()


async def test_whatever_was_done_to_a_graph_is_found_and_mended(server: GraphServer) -> None:
    """A document's own list of what there is is not believed; what nobody claims goes; again there is nothing to do."""
    restorer, whole = GraphRestorer(server), await content(server)
    unseen, unmended = [], []
    for damage in DAMAGE:
        await server.write(lambda transaction, damage=damage: transaction.run(damage))
        harmed = not all(each.exact for each in await restorer.compare(DOCUMENTS)) or await restorer.strays("one") > 0
        await restorer.restore(DOCUMENTS)
        await restorer.remove_strays("one")
        again = [each.exact for each in await restorer.compare(DOCUMENTS)]
        unseen += [] if harmed else [damage]
        unmended += [] if await content(server) == whole and [True, True] == again else [damage]

    assert ([], []) == (unseen, unmended)
    assert 0 == await restorer.strays("one")


async def test_a_later_version_is_left_alone(server: GraphServer) -> None:
    """A job has brought it while the artifacts of the one before were read; so has a removal."""
    restorer = GraphRestorer(server)
    await GraphWriter(server).write([facts("t1", {"MESH:D1": "later"}, order=8)])
    await GraphWriter(server).remove("one", {"t2": 7})
    before = await content(server)
    mended = await restorer.restore(DOCUMENTS)

    assert [True, True] == [each.later for each in mended]
    assert before == await content(server)


async def test_a_document_goes_with_all_that_it_is_tied_to(server: GraphServer) -> None:
    """Also what its list does not name; one that has come in a later version since it was looked at stays."""
    await server.write(lambda transaction: transaction.run("MATCH (d:Document {id: 't1'}) SET d.entities = []"))
    restorer = GraphRestorer(server)
    listed = [(each.document_id, each.order) for each in await restorer.documents("one", "", 10)]
    gone = await restorer.remove("one", {"t1": 7, "t2": 6})
    left = await content(server)
    await wipe(server)
    await GraphWriter(server).write(DOCUMENTS[1:])

    assert ([("t1", 7), ("t2", 7)], 1) == (listed, gone)
    assert await content(server) == left
