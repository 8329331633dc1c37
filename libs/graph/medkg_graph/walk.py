"""Walking all of a tenant's graph: its documents, entities and claims, in their order, some at a time."""

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from .server import GraphServer, Row

_DOCUMENTS_A_PAGE: Final = 50
_ENTITIES_A_PAGE: Final = 1000
_CLAIMS_A_PAGE: Final = 2000


@dataclass(frozen=True, slots=True)
class Description:
    """How some documents describe an entity.

    Attributes:
        described: its properties, as JSON.
        documents: the ids of those that describe it so.
        itself: of those among them that the entity is.
    """

    described: str
    documents: tuple[str, ...]
    itself: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EntityFound:
    """An entity, with all that documents say of it; first as the document with the smallest standing describes it."""

    id: str
    descriptions: tuple[Description, ...]


@dataclass(frozen=True, slots=True)
class ClaimFound:
    """A claim, as a relationship's properties are."""

    subject: str
    object: str
    properties: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DocumentFound:
    """What the graph has of a document; its claims as ``type:id:version``."""

    id: str
    digest: str
    claims: tuple[str, ...]


class GraphWalk:
    """Walks one graph for any tenant."""

    def __init__(self, server: GraphServer) -> None:
        self._server = server

    async def documents(self, tenant: str) -> AsyncIterator[DocumentFound]:
        """All documents, in the order of their ids.

        Raises:
            GraphUnavailable: Neo4j did not answer.
        """
        after = ""
        while rows := await self._page(_DOCUMENTS, tenant, after, _DOCUMENTS_A_PAGE):
            for row in rows:
                yield DocumentFound(row["id"], row["digest"], tuple(row["claims"]))
            after = rows[-1]["id"]

    async def entities(self, tenant: str) -> AsyncIterator[EntityFound]:
        """All entities, in the order of their ids.

        Raises:
            GraphUnavailable: Neo4j did not answer.
        """
        after = ""
        while rows := await self._page(_ENTITIES, tenant, after, _ENTITIES_A_PAGE):
            for row in rows:
                yield EntityFound(row["id"], _descriptions(row["descriptions"]))
            after = rows[-1]["id"]

    async def claims(self, tenant: str, document: DocumentFound) -> AsyncIterator[ClaimFound]:
        """All claims of a document, in the order of their ids; one that has gone meanwhile is left out.

        Raises:
            GraphUnavailable: Neo4j did not answer.
        """
        keys = sorted((id_, type_) for type_, id_, _ in (key.split(":") for key in document.claims))
        for start in range(0, len(keys), _CLAIMS_A_PAGE):
            for claim in await self._claims(tenant, keys[start : start + _CLAIMS_A_PAGE]):
                yield claim

    async def _claims(self, tenant: str, keys: Sequence[tuple[str, str]]) -> list[ClaimFound]:
        by_type: dict[str, list[str]] = defaultdict(list)
        for id_, type_ in keys:
            by_type[type_].append(id_)
        found: list[ClaimFound] = []
        for type_, ids in by_type.items():
            statement = _CLAIMS.format(type=type_)
            for row in await self._ask(statement, tenant=tenant, ids=ids):
                found.append(ClaimFound(row["subject"], row["object"], row["properties"]))  # noqa: PERF401 - reads better
        return sorted(found, key=lambda claim: str(claim.properties["id"]))

    async def _page(self, statement: str, tenant: str, after: str, limit: int) -> list[Row]:
        return await self._ask(statement, tenant=tenant, after=after, limit=limit)

    async def _ask(self, statement: str, **parameters: Any) -> list[Row]:  # noqa: ANN401 - Cypher's
        return await self._server.read(lambda transaction: transaction.run(statement, **parameters))


def _descriptions(rows: Sequence[Row]) -> tuple[Description, ...]:
    return tuple(
        Description(row["described"], tuple(sorted(row["documents"])), tuple(sorted(row["itself"])))
        for row in sorted(rows, key=lambda row: str(row["standing"]))
    )


_DOCUMENTS: Final = """
MATCH (d:Document {tenant: $tenant}) WHERE d.id > $after AND d.digest IS NOT NULL
RETURN d.id AS id, d.digest AS digest, coalesce(d.claims, []) AS claims
ORDER BY d.id LIMIT $limit
"""

_ENTITIES: Final = """
MATCH (e:Entity {tenant: $tenant}) WHERE e.id > $after
WITH e ORDER BY e.id LIMIT $limit
MATCH (d:Document)-[s:SUPPORTS]->(e)
WITH e, s.properties AS described, min(s.standing) AS standing,
     collect(d.id) AS documents, collect(CASE WHEN d.node = e.id THEN d.id END) AS itself
WITH e, {described: described, standing: standing, documents: documents, itself: itself} AS description
RETURN e.id AS id, collect(description) AS descriptions
ORDER BY id
"""

_CLAIMS: Final = """
UNWIND $ids AS id
MATCH (s:Entity)-[r:{type} {{tenant: $tenant, id: id}}]->(o:Entity)
RETURN s.id AS subject, properties(r) AS properties, o.id AS object
"""
