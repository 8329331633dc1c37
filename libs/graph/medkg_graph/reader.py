"""Asking the graph: one tenant's entities, what is near them, how they hang together, and who says so."""

import re
from collections.abc import Sequence
from itertools import groupby
from typing import Any, Final

from medkg_contracts.errors import InvalidRequest, NotFound

from .facts import relationship_type
from .server import GraphServer, Row
from .views import Balance, ClaimView, Neighbour, NodeView, PathView, claim_view, node_view

#: The longest way that is looked for.
MOST_HOPS: Final = 4
_PREDICATE: Final = re.compile(r"biolink:[a-z][a-z_]{0,98}")
_LUCENE: Final = re.compile(r'([+\-!(){}\[\]^"~*?:\\/]|&&|\|\|)')


class GraphReader:
    """Reads one graph for any tenant; Neo4j itself refuses its transactions to write."""

    def __init__(self, server: GraphServer) -> None:
        self._server = server

    async def find(self, tenant: str, text: str, limit: int = 10) -> list[NodeView]:
        """The entities of this id, or else those whose names have these words, the best first.

        Raises:
            GraphUnavailable: Neo4j did not answer.
        """
        rows = await self._ask(_BY_ID, tenant=tenant, id=text, limit=limit)
        words = _LUCENE.sub(r"\\\1", text).strip()
        if not rows and words:
            rows = await self._ask(_BY_NAME, tenant=tenant, words=words, limit=limit)
        return [node_view(row["node"], row["documents"]) for row in rows]

    async def node(self, tenant: str, id_: str) -> NodeView:
        """The entity of this id.

        Raises:
            NotFound: the tenant's graph has no such entity.
            GraphUnavailable: Neo4j did not answer.
        """
        found = await self._ask(_BY_ID, tenant=tenant, id=id_, limit=1)
        if not found:
            raise NotFound(
                f"the graph of tenant {tenant!r} has no entity {id_!r}",
                remedy="`medkg graph entity WORDS` finds entities by their names.",
            )
        return node_view(found[0]["node"], found[0]["documents"])

    async def neighbours(
        self, tenant: str, id_: str, *, predicates: Sequence[str] = (), hops: int = 1, limit: int = 50
    ) -> list[Neighbour]:
        """The entities that are one or two statements away, the nearest first, each once with one way to it.

        Args:
            tenant: whose graph.
            id_: of the entity.
            predicates: only by these, such as ``biolink:treats``; in either direction.
            hops: 1 or 2.
            limit: at most so many.

        Raises:
            InvalidRequest: a predicate is none.
            NotFound: the tenant's graph has no such entity.
            GraphUnavailable: Neo4j did not answer.
        """
        await self.node(tenant, id_)
        statement = _NEIGHBOURS.format(types=_types(predicates))
        rows = await self._ask(statement, tenant=tenant, id=id_, limit=limit)
        if hops > 1 and len(rows) < limit:
            further = _SECOND.format(types=_types(predicates))
            rows += await self._ask(further, tenant=tenant, id=id_, limit=limit - len(rows))
        return [Neighbour(node=node_view(row["node"]), way=[_claim(part) for part in row["way"]]) for row in rows]

    async def paths(self, tenant: str, from_: str, to: str, *, hops: int = 3, limit: int = 5) -> list[PathView]:
        """The shortest ways from one entity to another, whichever way the statements point.

        Raises:
            NotFound: the tenant's graph lacks one of them.
            GraphUnavailable: Neo4j did not answer.
        """
        for id_ in (from_, to):
            await self.node(tenant, id_)
        statement = _PATHS.format(hops=min(hops, MOST_HOPS))
        rows = await self._ask(statement, tenant=tenant, start=from_, end=to, limit=limit)
        return [
            PathView(nodes=[node_view(node) for node in row["nodes"]], claims=[_claim(part) for part in row["way"]])
            for row in rows
        ]

    async def evidence(
        self, tenant: str, subject: str, object_: str | None = None, predicate: str | None = None, limit: int = 100
    ) -> list[Balance]:
        """What documents say of an entity, or of two, statement by statement: who says so, and who denies it.

        Raises:
            InvalidRequest: the predicate is none.
            NotFound: the tenant's graph has no such entity.
            GraphUnavailable: Neo4j did not answer.
        """
        await self.node(tenant, subject)
        statement = _EVIDENCE_OF.format(types=_types([predicate] if predicate else ()))
        rows = await self._ask(statement, tenant=tenant, id=subject, other=object_, limit=limit)
        return _balances([_claim(row["claim"]) for row in rows])

    async def _ask(self, statement: str, **parameters: Any) -> list[Row]:  # noqa: ANN401 - Cypher's
        return await self._server.read(lambda transaction: transaction.run(statement, **parameters))


def _types(predicates: Sequence[str]) -> str:
    """The relationship types to follow; without any, all but what ties documents to entities."""
    for predicate in predicates:
        if not _PREDICATE.fullmatch(predicate):
            raise InvalidRequest(f"{predicate!r} is no predicate", remedy="Name one such as biolink:treats.")
    return ":" + "|".join(map(relationship_type, predicates)) if predicates else ":!SUPPORTS"


def _claim(part: Row) -> ClaimView:
    return claim_view(part["subject"], part["claim"], part["object"])


def _balances(claims: Sequence[ClaimView]) -> list[Balance]:
    def said(claim: ClaimView) -> tuple[str, str, str]:
        return claim.subject, claim.predicate, claim.object

    found = []
    for (subject, predicate, object_), group in groupby(sorted(claims, key=said), key=said):
        its = list(group)
        counts = {denied: len({each.document for each in its if each.negated is denied}) for denied in (False, True)}
        found.append(
            Balance(
                subject=subject,
                predicate=predicate,
                object=object_,
                supporting=counts[False],
                contradicting=counts[True],
                claims=its,
            )
        )
    return found


_BY_ID: Final = """
MATCH (e:Entity {tenant: $tenant, id: $id})
RETURN properties(e) AS node, COUNT { (:Document)-[:SUPPORTS]->(e) } AS documents
LIMIT $limit
"""

_BY_NAME: Final = """
CALL db.index.fulltext.queryNodes('medkg_names', $words) YIELD node AS e, score
WHERE e.tenant = $tenant
WITH e, score LIMIT $limit
RETURN properties(e) AS node, COUNT { (:Document)-[:SUPPORTS]->(e) } AS documents, score
ORDER BY score DESC, e.id
"""

_PART: Final = "{{subject: startNode({r}).id, claim: properties({r}), object: endNode({r}).id}}"
_ONE: Final = _PART.replace("{r}", "r")

_NEIGHBOURS: Final = f"""
MATCH (e:Entity {{{{tenant: $tenant, id: $id}}}})-[r{{types}}]-(n:Entity)
WITH n, r ORDER BY r.id
WITH n, head(collect(r)) AS r, count(*) AS times
RETURN properties(n) AS node, [{_ONE}] AS way
ORDER BY times DESC, n.id LIMIT $limit
"""

_SECOND: Final = f"""
MATCH (e:Entity {{{{tenant: $tenant, id: $id}}}})-[a{{types}}]-(m:Entity)-[b{{types}}]-(n:Entity)
WHERE n <> e AND NOT (e)-[{{types}}]-(n)
WITH n, a, b ORDER BY a.id, b.id
WITH n, head(collect([a, b])) AS two, count(*) AS times
ORDER BY times DESC, n.id LIMIT $limit
RETURN properties(n) AS node, [r IN two | {_ONE}] AS way
"""

_PATHS: Final = f"""
MATCH (a:Entity {{{{tenant: $tenant, id: $start}}}}), (b:Entity {{{{tenant: $tenant, id: $end}}}})
MATCH p = ALL SHORTEST (a)-[:!SUPPORTS]-{{{{1,{{hops}}}}}}(b)
RETURN [n IN nodes(p) | properties(n)] AS nodes, [r IN relationships(p) | {_ONE}] AS way
LIMIT $limit
"""

_EVIDENCE_OF: Final = f"""
MATCH (e:Entity {{{{tenant: $tenant, id: $id}}}})-[r{{types}}]-(n:Entity)
WHERE $other IS NULL OR n.id = $other
RETURN {_ONE} AS claim
ORDER BY r.id LIMIT $limit
"""
