"""Somebody's own Cypher: Neo4j itself refuses what does not read, and ends what takes too long."""

import pytest
from medkg_contracts.errors import InvalidRequest, Unfinished
from medkg_graph import GraphServer, GraphWriter
from medkg_graph.cypher import ask_cypher

from .facts import claim, content, facts

pytestmark = pytest.mark.integration

NAMES = {"MESH:D1": "pain", "MESH:D2": "drug"}


async def test_rows_are_json(server: GraphServer) -> None:
    """Nodes, relationships and paths are objects; parameters are the statement's own."""
    await GraphWriter(server).write([facts("t1", NAMES, [claim("t1", "MESH:D2", "biolink:treats", "MESH:D1")])])
    found = await ask_cypher(
        server, "MATCH p = (d {id: $id})-[r:TREATS]->(x) RETURN d.name AS name, x, r, p, $id", {"id": "MESH:D2"}
    )
    ((name, node, tie, path, id_),) = found.rows

    assert (["name", "x", "r", "p", "$id"], False) == (found.columns, found.more)
    assert ("drug", "MESH:D2", ["Disease", "Entity"], "TREATS") == (name, id_, node["labels"], tie["type"])
    assert (node["id"], [tie], 2) == (tie["end"], path["relationships"], len(path["nodes"]))


async def test_no_more_rows_are_read_than_wanted(server: GraphServer) -> None:
    """Of a thousand million, without waiting for them; the answer says that there are others."""
    found = await ask_cypher(server, "UNWIND range(1, 1000000000) AS x RETURN x", {}, rows=3)

    assert ([[1], [2], [3]], True) == (found.rows, found.more)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE (n:Entity)",
        "MATCH (n) DETACH DELETE n",
        "MERGE (n:Entity {id: 'X:1'}) RETURN n",
        "FOREACH (x IN [1] | CREATE (:Entity))",
        "MATCH (n) CALL (n) {SET n.x = 1} IN TRANSACTIONS",
        "CALL db.createLabel('Other')",
    ],
)
async def test_neo4j_itself_refuses_to_write(server: GraphServer, statement: str) -> None:
    """By the mode of access, whatever the statement looks like; the graph is as it was."""
    await GraphWriter(server).write([facts("t1", NAMES)])
    before = await content(server)
    with pytest.raises(InvalidRequest, match="Writing in read access mode not allowed"):
        await ask_cypher(server, statement, {})

    assert before == await content(server)


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("LOAD CSV FROM 'file:///etc/passwd' AS row RETURN row", "LoadCSV"),
        ("LOAD CSV FROM 'http://127.0.0.1:1/x' AS row RETURN row", "LoadCSV"),
        ("TERMINATE TRANSACTIONS 'neo4j-transaction-1'", "TerminateTransactions"),
        (
            "SHOW TRANSACTIONS YIELD transactionId AS t TERMINATE TRANSACTIONS t YIELD message RETURN message",
            "TerminateTransactions",
        ),
        ("CALL dbms.killConnection('bolt-1')", "ProcedureCall"),
        ("CALL db.clearQueryCaches()", "ProcedureCall"),
        ("CREATE USER other SET PASSWORD 'password1'", "AdministrationCommand"),
        ("SHOW USERS", "AdministrationCommand"),
        ("CREATE INDEX other FOR (n:Entity) ON (n.other)", "CreateIndex"),
        ("DROP INDEX medkg_names", "DropIndex"),
    ],
)
async def test_what_is_more_than_reading_is_refused(server: GraphServer, statement: str, what: str) -> None:
    """Neo4j takes some of it for reading; its own plan says what it is."""
    with pytest.raises(InvalidRequest, match=f"does more than read the graph: .*{what}"):
        await ask_cypher(server, statement, {})


@pytest.mark.parametrize(
    "statement",
    ["MATCH (n", "", "RETURN $missing", "RETURN 1/0", "USE system MATCH (n) RETURN n", "CALL apoc.load.json('')"],
)
async def test_what_neo4j_does_not_understand_is_told_in_its_words(server: GraphServer, statement: str) -> None:
    """It is the request that is wrong."""
    with pytest.raises(InvalidRequest, match="Neo4j refuses the statement: "):
        await ask_cypher(server, statement, {})


async def test_neo4j_itself_ends_a_statement_that_takes_too_long(server: GraphServer) -> None:
    """Nobody's statement keeps the server from its work."""
    with pytest.raises(Unfinished, match=r"within 0\.2 s"):
        await ask_cypher(server, "UNWIND range(1, 1000000000) AS x RETURN count(x)", {}, timeout_s=0.2)


async def test_the_server_opens_no_files_for_anybody(server: GraphServer) -> None:
    """Not even where nobody looks at the plan: our Neo4j is configured so."""
    setting = "SHOW SETTINGS 'dbms.security.allow_csv_import_from_file_urls' YIELD value RETURN value"

    assert [["false"]] == (await ask_cypher(server, setting, {})).rows
