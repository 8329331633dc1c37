"""The graph in a real Neo4j: exactly what documents say now, whoever wrote, in whatever order, however often."""

import asyncio
from time import monotonic

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medkg_contracts.errors import ConfigurationError, GraphUnavailable, NotFound
from medkg_contracts.knowledge import Entities, Entity, Extraction
from medkg_graph import GraphReader, GraphServer, GraphWriter
from medkg_graph.server import Transaction
from medkg_stack.ports import free_port
from neo4j.exceptions import ClientError, DatabaseError

from .facts import claim, content, facts, facts_alone, some_facts, wipe

pytestmark = pytest.mark.integration

PAIN = {"MESH:D1": "pain", "MESH:D2": "drug"}
WRITERS = 8


DOCUMENTS = ("t1", "t2", "t3")
#: A document is written with some facts, or removed.
STEPS = st.lists(
    st.sampled_from(DOCUMENTS).flatmap(lambda one: st.tuples(st.just(one), st.none() | some_facts(one))), max_size=8
)


@settings(max_examples=15)
@given(steps=STEPS)
def test_the_graph_equals_one_that_is_made_from_scratch(steps, neo4j_url: str) -> None:
    """After documents were written, changed and removed the graph is what it is if only the last of each is written."""

    async def both() -> None:
        server = GraphServer(neo4j_url)
        writer = GraphWriter(server)
        await wipe(server)
        last = {}
        for document, its in steps:
            if its is None:
                await writer.remove("one", {document: 0})
                last.pop(document, None)
            else:
                await writer.write([its])
                last[document] = its
        grown = await content(server)
        await wipe(server)
        if last:
            await writer.write(list(last.values()))
        fresh = await content(server)
        await server.close()

        assert fresh == grown

    asyncio.run(both())


VERSIONS = [facts("t1", {"MESH:D1": name}, order=order) for order, name in ((5, "pain"), (7, "ache"), (9, "hurt"))]
#: A version is written, or all up to one of them are removed.
ARRIVALS = st.lists(st.sampled_from(VERSIONS) | st.sampled_from([5, 7, 9]), min_size=1, max_size=7)


@settings(max_examples=12)
@given(arrivals=ARRIVALS)
def test_the_last_version_stands_whatever_the_order_in_which_they_come(arrivals, neo4j_url: str) -> None:
    """Late or repeated, an earlier version is refused, and says so; what was removed does not come back with it."""
    last = max(arrivals, key=lambda one: (one, 1) if isinstance(one, int) else (one.order, 0))

    async def both() -> None:
        server = GraphServer(neo4j_url)
        writer = GraphWriter(server)
        await wipe(server)
        latest = 0
        for one in arrivals:
            if isinstance(one, int):
                await writer.remove("one", {"t1": one})
                latest = max(latest, one + 1)
            else:
                (receipt,) = await writer.write([one])
                assert (one.order < latest) == receipt.superseded
                latest = max(latest, one.order)
        held, grown = await writer.held("one", "t1"), await content(server)
        await wipe(server)
        if not isinstance(last, int):
            await writer.write([last])
        fresh = await content(server)
        await server.close()

        assert (latest, fresh) == (held.order, grown)

    asyncio.run(both())


async def test_the_same_facts_in_a_later_version_hold_back_an_earlier_one(server: GraphServer) -> None:
    """Nothing of the graph changes with it but that; and what has no order is written whenever it comes."""
    writer, names = GraphWriter(server), {"MESH:D1": "pain"}
    for order in (5, 9):
        await writer.write([facts("t1", names, order=order)])
    (late,) = await writer.write([facts("t1", {"MESH:D1": "ache"}, order=7)])
    (unordered,) = await writer.write([facts("t1", {"MESH:D1": "ache"})])

    assert (True, False, 9) == (late.superseded, unordered.superseded, (await writer.held("one", "t1")).order)


async def test_writers_at_the_same_time_do_not_get_in_each_others_way(neo4j_url: str, server: GraphServer) -> None:
    """Eight writers of documents that speak of the same things leave what one would have left."""
    names = {f"MESH:D{number}": f"thing {number}" for number in range(20)}
    ids = list(names)
    documents = [
        facts(
            f"t{number}",
            names,
            [claim(f"t{number}", ids[(number * 7 + n) % 20], "biolink:treats", ids[(number * 3 + n * 5) % 20], str(n))
             for n in range(10)],
        )
        for number in range(48)
    ]  # fmt: skip
    servers = [GraphServer(neo4j_url) for _ in range(WRITERS)]

    async def write(number: int) -> None:
        writer = GraphWriter(servers[number])
        for document in documents[number::WRITERS]:
            await writer.write([document])

    await asyncio.gather(*map(write, range(WRITERS)))
    await asyncio.gather(*(one.close() for one in servers))
    together = await content(server)
    await wipe(server)
    await GraphWriter(server).write(documents)

    assert await content(server) == together


async def test_a_receipt_says_what_the_graph_has_of_a_document(server: GraphServer) -> None:
    """The same again removes nothing; a claim less is counted."""
    writer = GraphWriter(server)
    treats = claim("t1", "MESH:D2", "biolink:treats", "MESH:D1")
    receipts = [(await writer.write([facts("t1", PAIN, claims)]))[0] for claims in ([treats], [treats], [])]

    assert [(3, 1, 0), (3, 1, 0), (3, 0, 1)] == [(each.nodes, each.edges, each.removed) for each in receipts]


async def test_a_tenants_facts_are_nobody_elses(server: GraphServer) -> None:
    """Two tenants' graphs have no node in common, and removing one's document leaves the other's."""
    writer, reader = GraphWriter(server), GraphReader(server)
    treats = claim("t1", "MESH:D2", "biolink:treats", "MESH:D1")
    await writer.write([facts("t1", PAIN, [treats], tenant=tenant) for tenant in ("one", "two")])
    await writer.remove("one", {"t1": 0})

    assert ([], []) == await content(server, "one")
    assert ["MESH:D2"] == [each.node.id for each in (await reader.neighbours("two", "MESH:D1")).neighbours]
    with pytest.raises(NotFound, match="tenant 'one' has no entity 'MESH:D1'"):
        await reader.neighbours("one", "MESH:D1")


async def test_contradicting_claims_stand_side_by_side(server: GraphServer) -> None:
    """Each document's word stays, with its evidence; how many say so and how many deny it is counted when asked."""
    said = {name: claim(name, "MESH:D2", "biolink:treats", "MESH:D1") for name in ("t1", "t2", "t3")}
    said["t3"] = said["t3"].model_copy(update={"negated": True})
    await GraphWriter(server).write([facts(name, PAIN, [one]) for name, one in said.items()])
    (balance,) = (await GraphReader(server).evidence("one", "MESH:D2", "MESH:D1", "biolink:treats")).statements

    assert (2, 1, ["t1", "t2", "t3"], {"/a"}) == (
        balance.supporting,
        balance.contradicting,
        sorted(each.document for each in balance.claims),
        {part.pointer for each in balance.claims for part in each.evidence},
    )


async def test_directions_that_contradict_each_other_are_counted_apart(server: GraphServer) -> None:
    """Of documents that say that a drug affects an outcome, how many say that it rises and how many that it falls."""
    ways = {"t1": "increased", "t2": "increased", "t3": "decreased"}
    said = [
        facts(name, PAIN, [claim(name, "MESH:D2", "biolink:related_to", "MESH:D1", object_direction_qualifier=way)])
        for name, way in ways.items()
    ]
    await GraphWriter(server).write(said)
    (balance,) = (await GraphReader(server).evidence("one", "MESH:D2", "MESH:D1")).statements

    assert (3, 0, 2, 1) == (balance.supporting, balance.contradicting, balance.increased, balance.decreased)


async def test_neo4j_itself_refuses_to_write_for_a_reader(server: GraphServer) -> None:
    """It is not our reading of a statement that keeps it from writing."""
    with pytest.raises(ClientError, match="Writing in read access mode not allowed"):
        await server.read(lambda transaction: transaction.run("CREATE (n:Entity {tenant: 'one', id: 'X:1'})"))


async def test_what_is_wrong_with_neo4j_itself_is_nobodys_bug(server: GraphServer) -> None:
    """A database that had no room for a transaction, and stands still since, is one that does not answer."""

    async def write(_: Transaction) -> None:
        raise DatabaseError("no room")

    with pytest.raises(GraphUnavailable):
        await server.write(write)


async def test_a_graph_that_is_away_is_named() -> None:
    """Nobody listens there: the error says so, and that another try may help."""
    server = GraphServer(f"bolt://127.0.0.1:{free_port()}", timeout_s=0.2)
    with pytest.raises(GraphUnavailable, match="does not answer"):
        await GraphReader(server).find("one", "x")
    await server.close()


async def test_a_graph_that_hangs_is_given_up() -> None:
    """It takes the connection and says nothing: its driver would wait for ever."""
    held: list[asyncio.StreamWriter] = []

    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    listener = await asyncio.start_server(silent, "127.0.0.1", 0)
    server = GraphServer(f"bolt://127.0.0.1:{listener.sockets[0].getsockname()[1]}", timeout_s=0.2)
    began = monotonic()
    with pytest.raises(GraphUnavailable):
        await GraphWriter(server).held("one", "t1")
    with pytest.raises(GraphUnavailable):
        await server.write(lambda transaction: transaction.run("RETURN 1"))
    took = monotonic() - began
    await server.close()
    for writer in held:
        writer.close()
    listener.close()

    assert took < 10


async def test_a_transaction_that_hangs_holds_up_nobody(neo4j_url: str, server: GraphServer) -> None:
    """Its writer stands still with a lock that another one wants: Neo4j itself ends it."""
    still, stopped = asyncio.Event(), GraphServer(neo4j_url, timeout_s=1)

    async def lock(transaction: Transaction) -> None:
        await transaction.run("MERGE (d:Document {tenant: 'one', id: 't1'}) SET d.locked = true")
        still.set()
        await asyncio.Event().wait()

    hanging = asyncio.create_task(stopped.write(lock))
    await still.wait()
    receipts = await GraphWriter(server).write([facts("t1", PAIN)])
    with pytest.raises(GraphUnavailable, match="did not answer in time"):
        await hanging
    await stopped.close()

    assert [3] == [each.nodes for each in receipts]


def test_an_address_that_is_none_is_a_setting_to_correct() -> None:
    """The setting is named."""
    with pytest.raises(ConfigurationError, match="MK_NEO4J_URL"):
        GraphServer("127.0.0.1:7687")


async def test_an_entity_looks_as_the_document_that_knows_it_best_describes_it(server: GraphServer) -> None:
    """What only names a thing by its id hides nothing; when a document says less than before, another's word counts."""
    named, known, itself = "PMID:1", "a trial's citation", "The article's own title"

    async def looks() -> str:
        return str((await GraphReader(server).node("one", "PMID:1")).name)

    writer = GraphWriter(server)
    seen = []
    for document, name in (("a1", named), ("b1", known), ("a1", "Citation of a1"), ("a1", named)):
        await writer.write([facts(document, {"PMID:1": name})])
        seen.append(await looks())
    article = Entity(id="PMID:1", category="biolink:Article", name=itself)
    own = Entities(document_id="z1", document=article, entities=(), mentions=(), extraction=Extraction(version="1"))
    await writer.write([facts_alone(own)])
    seen.append(await looks())
    await writer.remove("one", {"z1": 0, "b1": 0})
    seen.append(await looks())

    assert [named, known, "Citation of a1", known, itself, named] == seen
