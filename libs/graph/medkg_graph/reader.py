"""Asking the graph: one tenant's entities, what is near them, how they hang together, and who says so."""

import re
from collections.abc import Sequence
from functools import partial
from typing import Final, TypeVar

from medkg_contracts.errors import InvalidRequest

from . import queries
from .facts import relationship_type
from .names import by_name, ids_of, meant, words_of
from .server import GraphServer, Row, Transaction, Work
from .views import (
    Balance,
    ClaimView,
    Found,
    Neighbour,
    Neighbourhood,
    NodeView,
    Paths,
    PathView,
    Statements,
    claim_view,
    node_view,
)

T = TypeVar("T")

#: The longest way that is looked for.
MOST_HOPS: Final = 4
#: So many claims of each statement are shown.
CLAIMS: Final = 20
#: So many statements of an entity are looked at.
_BREADTH: Final = 2_000
#: So many, of so many each, where two are followed.
_FIRST: Final = 200
_NEXT: Final = 50
#: So many of the shortest ways are looked at.
_WAYS: Final = 2_000
#: Names that are looked at for the one that is meant.
_NAMES: Final = 50
#: What ties documents to entities is no statement.
_TIE: Final = "SUPPORTS"
_PREDICATE: Final = re.compile(r"(biolink:)?[a-z][a-z_]{0,98}")


class GraphReader:
    """Reads one graph for any tenant; Neo4j itself refuses its transactions to write, and ends what takes too long.

    Entities are named by id, a study by its number, or by a name if it is only one's.

    Every question raises GraphUnavailable if Neo4j does not answer, Unfinished if it has no answer in time, NotFound if
    the tenant's graph has no such entity, and InvalidRequest if a name is several entities', or a predicate none.
    """

    def __init__(self, server: GraphServer, timeout_s: float = 10.0) -> None:
        """Read from this server; a question may take so long."""
        self._server = server
        self._timeout_s = timeout_s

    async def find(self, tenant: str, text: str, limit: int = 10) -> Found:
        """The entities of this id, or else those whose names have these words, the best first."""
        return await self._ask(partial(_find, tenant, text, limit))

    async def node(self, tenant: str, name: str) -> NodeView:
        """The entity of this id or name."""
        return await self._ask(partial(entity_named, tenant, name))

    async def neighbours(
        self, tenant: str, name: str, *, predicates: Sequence[str] = (), hops: int = 1, limit: int = 50
    ) -> Neighbourhood:
        """The entities that are one or two statements away, the nearest first, each once with one way to it.

        Args:
            tenant: whose graph.
            name: of the entity.
            predicates: only by these, such as ``biolink:treats``; in either direction.
            hops: 1 or 2.
            limit: at most so many.
        """
        return await self._ask(partial(_neighbours, tenant, name, predicates, hops, limit))

    async def paths(self, tenant: str, from_: str, to: str, *, hops: int = 3, limit: int = 5) -> Paths:
        """The shortest ways from one entity to another, whichever way the statements point."""
        return await self._ask(partial(_paths, tenant, from_, to, min(hops, MOST_HOPS), limit))

    async def evidence(
        self,
        tenant: str,
        subject: str,
        object_: str | None = None,
        predicate: str | None = None,
        *,
        limit: int = 20,
        skip: int = 0,
    ) -> Statements:
        """What documents say of an entity, or of two: who says so, and who denies it.

        Args:
            tenant: whose graph.
            subject: of the statements, or their object.
            object_: the other end; None for all.
            predicate: only this one.
            limit: statements, at most.
            skip: so many first.
        """
        return await self._ask(partial(_evidence, tenant, subject, object_, predicate, (skip, limit)))

    async def _ask(self, work: Work[T]) -> T:
        return await self._server.read(work, self._timeout_s)


async def _find(tenant: str, text: str, limit: int, transaction: Transaction) -> Found:
    by_id = await transaction.run(queries.BY_ID, tenant=tenant, ids=ids_of(text))
    rows = by_id[:1] or await _named(tenant, text, max(limit + 1, _NAMES), transaction)
    nodes = by_name([node_view(row["node"], row["documents"]) for row in rows], text)
    return Found(entities=nodes[:limit], more=len(nodes) > limit)


async def _named(tenant: str, text: str, limit: int, transaction: Transaction) -> list[Row]:
    words = words_of(tenant, text)
    return await transaction.run(queries.BY_NAME, tenant=tenant, words=words, limit=limit) if words else []


async def entity_named(tenant: str, name: str, transaction: Transaction) -> NodeView:
    """The entity of this id or name; raises what `GraphReader` does."""
    found = await _find(tenant, name, _NAMES, transaction)
    first = found.entities[0] if found.entities else None
    return first if first and first.id in ids_of(name) else meant(found.entities, name, tenant)


async def _neighbours(
    tenant: str, name: str, predicates: Sequence[str], hops: int, limit: int, transaction: Transaction
) -> Neighbourhood:
    entity = await entity_named(tenant, name, transaction)
    types = await _types(predicates, transaction)
    asked = {"tenant": tenant, "id": entity.id, "limit": limit + 1}
    rows = await transaction.run(queries.neighbours(types), **asked, breadth=_BREADTH)
    if hops > 1 and len(rows) <= limit:
        asked["limit"] = limit + 1 - len(rows)
        rows += await transaction.run(queries.second(types), **asked, breadth=_FIRST, depth=_NEXT)
    ((statements,),) = [row.values() for row in await transaction.run(queries.degree(types), **asked)]
    near = [
        Neighbour(node=node_view(row["node"]), way=list(map(claim_view, row["way"])), ways=row["times"])
        for row in rows[:limit]
    ]
    complete = statements <= (_BREADTH if hops == 1 else _FIRST)
    return Neighbourhood(
        entity=entity, neighbours=near, statements=statements, complete=complete, more=len(rows) > limit
    )


async def _paths(tenant: str, from_: str, to: str, hops: int, limit: int, transaction: Transaction) -> Paths:
    start, end = [await entity_named(tenant, name, transaction) for name in (from_, to)]
    if start.id == end.id:
        raise InvalidRequest(f"{from_!r} and {to!r} are one entity, {start.id}", remedy="Name two.")
    statement = queries.paths(await _types((), transaction), hops)
    rows = await transaction.run(statement, tenant=tenant, start=start.id, end=end.id, breadth=_WAYS, limit=limit + 1)
    ways = [
        PathView(nodes=list(map(node_view, row["nodes"])), claims=list(map(claim_view, row["way"])), ways=row["times"])
        for row in rows[:limit]
    ]
    return Paths(start=start, end=end, paths=ways, more=len(rows) > limit)


async def _evidence(
    tenant: str,
    subject: str,
    object_: str | None,
    predicate: str | None,
    page: tuple[int, int],
    transaction: Transaction,
) -> Statements:
    entity = await entity_named(tenant, subject, transaction)
    other = None if object_ is None else await entity_named(tenant, object_, transaction)
    types = await _types([predicate] if predicate else (), transaction)
    skip, limit = page
    asked = {"tenant": tenant, "id": entity.id, "skip": skip, "limit": limit + 1, "claims": CLAIMS}
    if other is None:
        rows = await transaction.run(queries.statements_of(types), **asked, breadth=_BREADTH)
        ((degree,),) = [row.values() for row in await transaction.run(queries.degree(types), **asked)]
        complete = degree <= _BREADTH
    else:
        rows = await transaction.run(queries.statements_between(types), **asked, other=other.id)
        complete = True
    return Statements(
        entity=entity,
        other=other,
        statements=[_balance(row) for row in rows[:limit]],
        complete=complete,
        more=len(rows) > limit,
    )


def _balance(row: Row) -> Balance:
    claims: list[ClaimView] = list(map(claim_view, row["claims"]))
    return Balance.model_validate({**row, "claims": claims})


async def _types(predicates: Sequence[str], transaction: Transaction) -> str:
    """The relationship types to follow; without any, all but what ties documents to entities.

    They are named, since "any but" looks at all ties of an entity, of which a common one has a hundred thousand.
    """
    ((present,),) = [row.values() for row in await transaction.run(queries.PREDICATES)]
    known = sorted(set(present) - {_TIE})
    wanted = [relationship_type(predicate) for predicate in predicates]
    for predicate, type_ in zip(predicates, wanted, strict=True):
        if not _PREDICATE.fullmatch(predicate) or type_ not in known:
            has = ", ".join(type_.lower() for type_ in known) or "none"
            raise InvalidRequest(f"the graph has no predicate {predicate!r}", remedy=f"It has {has}.")
    return queries.following(wanted or known)
