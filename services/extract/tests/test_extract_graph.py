"""The facts of real studies in a real Neo4j: ingested twice, changed and deleted, they equal a graph from scratch."""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, Final

import orjson
import pytest
from medkg_extract.stage import ExtractStage
from medkg_graph import Facts, GraphServer, GraphWriter, facts_of
from medkg_graph.server import Transaction

from .conftest import CONTEXT, Given, GivenOf

pytestmark = pytest.mark.integration

DOCUMENTS: Final = 100
BATCH: Final = 16
WRITERS: Final = 4


@pytest.fixture
async def server(neo4j_url: str) -> AsyncIterator[GraphServer]:
    one = GraphServer(neo4j_url)
    yield one
    await one.close()


def changed(given: Given, given_of: GivenOf) -> Given:
    """The study as its registry might have it later: without its first condition, outcomes and references."""
    record: dict[str, Any] = orjson.loads(given[0].body)
    protocol = record["protocolSection"]
    for module, field in (
        ("conditionsModule", "conditions"),
        ("outcomesModule", "primaryOutcomes"),
        ("referencesModule", "references"),
    ):
        protocol[module] = {**protocol.get(module, {}), field: protocol.get(module, {}).get(field, [])[1:]}
    record.get("derivedSection", {}).pop("conditionBrowseModule", None)
    return given_of(orjson.dumps(record), given[0].source_id)


async def facts(stage: ExtractStage, tenant: str, given: Given, order: int) -> Facts:
    """What the stage finds in a study."""
    entities, claims = await stage.execute(CONTEXT, [given[0]], given[1], [])
    return facts_of(tenant, entities, claims, order)


async def write(server: GraphServer, documents: Sequence[Facts]) -> None:
    """Several writers, each in batches."""
    parts = [documents[start : start + BATCH] for start in range(0, len(documents), BATCH)]

    async def writer(number: int) -> None:
        graph = GraphWriter(server)
        for part in parts[number::WRITERS]:
            await graph.write(part)

    await asyncio.gather(*map(writer, range(WRITERS)))


async def content(server: GraphServer, tenant: str) -> list[str]:
    """All nodes and relationships of a tenant with all that they have, besides the tenant's name."""

    async def read(transaction: Transaction) -> list[str]:
        nodes = await transaction.run(
            "MATCH (n {tenant: $tenant}) WHERE n:Entity OR n.digest IS NOT NULL"
            " RETURN labels(n) AS labels, properties(n) AS its",
            tenant=tenant,
        )
        ties = await transaction.run(
            "MATCH (a {tenant: $tenant})-[r]->(b) RETURN a.id AS a, type(r) AS type, b.id AS b, properties(r) AS its",
            tenant=tenant,
        )
        return [*map(_told, nodes), *map(_told, ties)]

    return sorted(await server.read(read))


def _told(row: dict[str, Any]) -> str:
    its = {name: value for name, value in row.pop("its").items() if name != "tenant"}
    return orjson.dumps([sorted(map(str, row.values())), its], option=orjson.OPT_SORT_KEYS).decode()


async def test_a_hundred_studies_that_come_and_go_equal_a_graph_from_scratch(
    server: GraphServer, stage: ExtractStage, studies: dict[str, Given], given_of: GivenOf
) -> None:
    """Each is ingested twice; a third change, some of them back; a quarter is deleted, some of them come again."""
    dice = random.Random(13)  # noqa: S311 - an order, no secret
    lived, fresh = (f"studies-{uuid.uuid4().hex[:12]}" for _ in range(2))
    smallest = sorted(studies.items(), key=lambda item: len(item[1][0].body))[:DOCUMENTS]
    last: dict[str, tuple[Given, int]] = {nct_id: (given, 1) for nct_id, given in smallest}
    try:
        for order in (1, 1):
            await write(server, [await facts(stage, lived, given, order) for given, _ in mixed(last.values(), dice)])
        for order, share, back in ((2, 3, False), (3, 6, True)):
            versions = {
                nct_id: (studies[nct_id] if back else changed(studies[nct_id], given_of), order)
                for nct_id in [*last][::share]
            }
            await write(server, [await facts(stage, lived, *version) for version in mixed(versions.values(), dice)])
            last |= versions
        deleted = [*last][1::4]
        claims = await GraphWriter(server).remove(lived, {last[one][0][1].id: 3 for one in deleted})
        again = {nct_id: (studies[nct_id], 5) for nct_id in deleted[::2]}
        late = [await facts(stage, lived, studies[nct_id], 2) for nct_id in deleted]
        await write(server, [await facts(stage, lived, *version) for version in again.values()])
        await write(server, late)
        last = {nct_id: version for nct_id, version in last.items() if nct_id not in deleted} | again
        await write(server, [await facts(stage, fresh, *version) for version in last.values()])
        grown, scratch = [await content(server, tenant) for tenant in (lived, fresh)]
    finally:
        for tenant in (lived, fresh):
            await server.write(lambda tx, tenant=tenant: tx.run("MATCH (n {tenant: $t}) DETACH DELETE n", t=tenant))

    assert scratch == grown
    assert len(deleted) == len(claims)
    assert 0 < min(claims.values())


def mixed(documents: Iterable[tuple[Given, int]], dice: random.Random) -> list[tuple[Given, int]]:
    """The same in another order."""
    them = list(documents)
    dice.shuffle(them)
    return them
