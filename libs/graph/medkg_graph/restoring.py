"""Bringing a graph back to what artifacts say, whatever has become of it; beside writers that are at work."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from . import statements
from .changes import Present, removal
from .comparison import Difference, Found, FoundClaim, FoundEntity, difference
from .facts import Facts
from .schema import GraphSchema
from .server import GraphServer, Transaction
from .writer import Key, apply_changes, document_keys, lock_documents

_ENTITY: Final = ("label", "described", "standing", "labels", "properties", "owned")
#: So many relationships or entities that nobody claims are deleted in one transaction.
STRAYS: Final = 5_000


@dataclass(frozen=True, slots=True)
class DocumentOrder:
    """A document that the graph has facts of, and the order of its version."""

    document_id: str
    order: int


@dataclass(frozen=True, slots=True)
class Mending:
    """What became of a document's facts, or would.

    Attributes:
        added: claims that were missing or damaged.
        removed: claims that were damaged or should not be.
        entities: that did not look right.
        later: the graph has a later version, or the document was removed: nothing is to be done.
    """

    exact: bool = False
    added: int = 0
    removed: int = 0
    entities: int = 0
    later: bool = False


class GraphRestorer:
    """Compares documents with what the graph really has of them, and mends that."""

    def __init__(self, server: GraphServer) -> None:
        self._server = server
        self._schema = GraphSchema(server)

    async def documents(self, tenant: str, after: str, limit: int) -> list[DocumentOrder]:
        """The documents of which the graph has facts, a page in the order of their ids, behind this one.

        Raises:
            GraphUnavailable: Neo4j did not answer.
        """
        rows = await self._server.read(
            lambda transaction: transaction.run(statements.DOCUMENTS, tenant=tenant, after=after, limit=limit)
        )
        return [DocumentOrder(row["id"], row["order"]) for row in rows]

    async def compare(self, facts: Sequence[Facts]) -> list[Mending]:
        """What differs of each of these documents; nothing is changed.

        Raises:
            GraphUnavailable: Neo4j did not answer.
        """
        found = await self._server.read(lambda transaction: _compared(transaction, facts, locking=False))
        return [_told(each) for each in found]

    async def restore(self, facts: Sequence[Facts]) -> list[Mending]:
        """Bring the graph to have just these facts of these documents; a later version is left alone.

        Raises:
            GraphUnavailable: Neo4j did not answer; nothing was changed.
        """
        await self._schema.ensure({row.type for each in facts for row in each.claims})
        return await self._server.write(lambda transaction: _restored(transaction, facts))

    async def remove(self, tenant: str, orders: Mapping[str, int]) -> int:
        """Take these documents out of the graph if they are still of these versions; how many went."""
        keys = sorted((tenant, document_id) for document_id in orders)
        await self._schema.ensure(())
        return await self._server.write(lambda transaction: _removed(transaction, keys, orders))

    async def strays(self, tenant: str) -> int:
        """How many relationships and entities there are that no document claims or supports."""

        async def count(transaction: Transaction) -> int:
            (claims,) = await transaction.run(statements.COUNT_STRAY_CLAIMS, tenant=tenant)
            (entities,) = await transaction.run(statements.COUNT_ORPHANS, tenant=tenant)
            return int(claims["strays"]) + int(entities["strays"])

        return await self._server.read(count)

    async def remove_strays(self, tenant: str) -> int:
        """Delete them; how many."""
        total = 0
        for work in (_drop_stray_claims, _drop_orphans):
            while gone := await self._server.write(lambda transaction, work=work: work(transaction, tenant)):  # type: ignore[misc]
                total += gone
        return total


async def _compared(transaction: Transaction, facts: Sequence[Facts], *, locking: bool) -> list[Difference | Mending]:
    """Of each document what differs, or why nothing is to be done."""
    keys = [(each.tenant, each.document_id) for each in facts]
    listed = await (lock_documents if locking else _listed)(transaction, document_keys(sorted(keys)))
    found = {key: Found(listed.get(key, Present())) for key in keys}
    await _read_entities(transaction, found)
    await _read_claims(transaction, facts, found)
    return [_judged(each, found[key]) for key, each in zip(keys, facts, strict=True)]


def _judged(facts: Facts, found: Found) -> Difference | Mending:
    if found.listed.follows(facts.order):
        return Mending(later=True)
    return difference(facts, found) or Mending(exact=True)


async def _restored(transaction: Transaction, facts: Sequence[Facts]) -> list[Mending]:
    found = await _compared(transaction, facts, locking=True)
    differing = [one for one in found if isinstance(one, Difference)]
    damaged = [
        {"tenant": each.change.tenant, "document": None, "id": id_} for each in differing for id_ in each.damaged
    ]
    await apply_changes(transaction, [each.change for each in differing], damaged)
    return [_told(each) for each in found]


async def _removed(transaction: Transaction, keys: Sequence[Key], orders: Mapping[str, int]) -> int:
    listed = await lock_documents(transaction, document_keys(keys))
    found = {key: Found(each) for key, each in listed.items()}
    await _read_entities(transaction, found)
    changes = []
    for (tenant, document_id), each in found.items():
        if each.listed.order <= orders[document_id]:
            entities = {*each.listed.entities, *each.entities}
            there = Present(each.listed.digest, entities, each.listed.claims, each.listed.order)
            changes.append(removal(tenant, document_id, there, orders[document_id]))
    await apply_changes(transaction, changes)
    return len(changes)


async def _listed(transaction: Transaction, rows: Sequence[dict[str, Any]]) -> dict[Key, Present]:
    found = await transaction.run(statements.LISTED, rows=rows)
    return {
        (row["tenant"], row["id"]): Present(row["digest"], row["entities"], row["claims"], row["order"])
        for row in found
    }


async def _read_entities(transaction: Transaction, found: Mapping[Key, Found]) -> None:
    rows = [{"tenant": tenant, "id": id_} for tenant, id_ in found]
    for row in await transaction.run(statements.SUPPORTED, rows=rows):
        entity = FoundEntity(**{name: row[name] for name in _ENTITY})
        found[row["tenant"], row["document"]].entities[row["id"]] = entity


async def _read_claims(transaction: Transaction, facts: Sequence[Facts], found: Mapping[Key, Found]) -> None:
    wanted = sorted((row.type, each.tenant, row.id, each.document_id) for each in facts for row in each.claims)
    for type_, group in groupby(wanted, key=lambda row: row[0]):
        rows = [{"tenant": tenant, "id": id_, "document": document} for _, tenant, id_, document in group]
        for row in await transaction.run(statements.claims_by_id(type_), rows=rows):
            claim = FoundClaim(row["subject"], row["object"], row["properties"])
            found[row["tenant"], row["document"]].claims[type_, row["id"]] = claim


async def _drop_stray_claims(transaction: Transaction, tenant: str) -> int:
    (row,) = await transaction.run(statements.DROP_STRAY_CLAIMS, tenant=tenant, limit=STRAYS)
    return int(row["gone"])


async def _drop_orphans(transaction: Transaction, tenant: str) -> int:
    found = await transaction.run(statements.FIND_ORPHANS, tenant=tenant, limit=STRAYS)
    rows = [{"tenant": tenant, "id": row["id"]} for row in found]
    if rows:
        # A writer may be about to support one of them: looked at again when nobody else can.
        await transaction.run(statements.LOCK_ENTITIES, rows=rows)
        await transaction.run(statements.ORPHANS, rows=rows)
    return len(rows)


def _told(found: Difference | Mending) -> Mending:
    if isinstance(found, Mending):
        return found
    made = found.change
    return Mending(added=len(made.adds), removed=len(made.drops), entities=len({*found.damaged, *made.abandons}))
