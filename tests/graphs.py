"""What the graph has of a tenant, fact by fact, and what the artifacts of its jobs say."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson
from medkg_artifacts import ArtifactStore
from medkg_contracts.ids import digest
from medkg_contracts.knowledge import Claims, Entities
from medkg_graph import Facts, GraphServer, facts_of
from medkg_graph.server import Transaction
from medkg_ledger import JobState
from medkg_testing import LocalStack

_ASK_S: Final = 30.0
_CLAIMS: Final = """
MATCH (s:Entity {tenant: $tenant})-[r:!SUPPORTS]->(o)
RETURN s.id AS subject, type(r) AS type, o.id AS object, properties(r) AS its
"""
_SUPPORTS: Final = """
MATCH (d:Document {tenant: $tenant})-[s:SUPPORTS]->(e:Entity) RETURN d.id AS document, e.id AS id, labels(e) AS labels
"""
_ENTITIES: Final = "MATCH (e:Entity {tenant: $tenant}) RETURN e.id AS id"


def graph_facts(product: LocalStack, tenant: str) -> list[str]:
    """All claims, what documents support, and all entities, in the graph."""

    async def read(transaction: Transaction) -> list[str]:
        claims = await transaction.run(_CLAIMS, tenant=tenant)
        ties = await transaction.run(_SUPPORTS, tenant=tenant)
        entities = await transaction.run(_ENTITIES, tenant=tenant)
        return [
            *(_claim(row["subject"], row["type"], row["object"], row["its"]) for row in claims),
            *(f"{row['document']} supports {row['id']} {sorted(row['labels'])}" for row in ties),
            *(row["id"] for row in entities),
        ]

    async def ask() -> list[str]:
        server = GraphServer(product.settings.neo4j_url, timeout_s=_ASK_S)
        try:
            return sorted(await server.read(read))
        finally:
            await server.close()

    return asyncio.run(ask())


def expected_facts(product: LocalStack, states: Iterable[JobState], tenant: str) -> list[str]:
    """The same, of the artifacts of these jobs, the last of each document."""
    store = ArtifactStore.from_url(product.settings.artifacts_url)

    async def read() -> list[Facts]:
        return [
            facts_of(
                tenant,
                Entities.model_validate_json(await store.get(tenant, state.artifacts["entities"])),
                Claims.model_validate_json(await store.get(tenant, state.artifacts["claims"])),
            )
            for state in states
        ]

    documents = {each.document_id: each for each in asyncio.run(read())}.values()
    told: list[str] = []
    labels = {row.id: row.label for each in sorted(documents, key=_by_id, reverse=True) for row in each.entities}
    for each in documents:
        for row in each.claims:
            own = {"tenant": tenant, "id": row.id, "document": each.document_id}
            told.append(_claim(row.subject, row.type, row.object, {**row.properties, **own}))
        told += [f"{each.document_id} supports {row.id} {sorted(['Entity', labels[row.id]])}" for row in each.entities]
    return sorted([*told, *labels])


def _by_id(facts: Facts) -> str:
    return facts.document_id


def _claim(subject: str, type_: str, object_: str, its: Mapping[str, Any]) -> str:
    whole = digest(orjson.dumps(dict(its), option=orjson.OPT_SORT_KEYS).decode())[:12]
    return f"{its['document']}: {subject} {type_} {object_} {whole}"
