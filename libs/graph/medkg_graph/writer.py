"""Writing documents' facts: exactly what a document says now is in the graph, whatever it said before."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from medkg_contracts.knowledge import GraphReceipt

from . import statements
from .changes import Change, Present, change, removal
from .facts import EntityRow, Facts
from .schema import GraphSchema
from .server import GraphServer, Transaction

#: A document: its tenant and its id.
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Held:
    """What the graph has of a document.

    Attributes:
        order: of the version that it has, or the least that may come after the document's removal; 0 for neither.
        claims: how many.
    """

    order: int = 0
    claims: int = 0


class GraphWriter:
    """Writes and removes documents; several may write to one graph at once."""

    def __init__(self, server: GraphServer) -> None:
        self._server = server
        self._schema = GraphSchema(server)

    async def write(self, facts: Sequence[Facts]) -> list[GraphReceipt]:
        """Bring the graph to have these facts of these documents, each of them once, all or none.

        Nothing is written of a document of which it has a later version, or which was removed since.

        Raises:
            GraphUnavailable: Neo4j did not answer; nothing was written.
            ConfigurationError: it does not know us.
        """
        await self._schema.ensure({row.type for each in facts for row in each.claims})
        wanted = {(each.tenant, each.document_id): each for each in facts}
        changes = await self._server.write(lambda transaction: _write(transaction, wanted))
        return [_receipt(each, *changes[each.tenant, each.document_id]) for each in facts]

    async def remove(self, tenant: str, orders: Mapping[str, int]) -> dict[str, int]:
        """Take documents, and all that only they support, out of the graph.

        Args:
            tenant: whose they are.
            orders: of the last version of each that is to go, by the document's id; one that has a later version
                stays. 0 for a document whose versions have no order.

        Returns:
            How many claims of each went; without those of which the graph had nothing, and those that stay.

        Raises:
            GraphUnavailable: Neo4j did not answer; nothing was removed.
            ConfigurationError: it does not know us.
        """
        await self._schema.ensure(())
        wanted = {(tenant, document_id): order for document_id, order in orders.items()}
        return await self._server.write(lambda transaction: _remove(transaction, wanted))

    async def held(self, tenant: str, document_id: str) -> Held:
        """What the graph has of a document.

        Raises:
            GraphUnavailable: Neo4j did not answer.
            ConfigurationError: it does not know us.
        """
        rows = await self._server.read(
            lambda transaction: transaction.run(statements.HELD, tenant=tenant, id=document_id)
        )
        return Held(**rows[0]) if rows else Held()


async def _write(transaction: Transaction, wanted: Mapping[Key, Facts]) -> dict[Key, tuple[Present, Change | None]]:
    rows = [_wanted(key, facts.order, facts.digest) for key, facts in sorted(wanted.items())]
    present = await lock_documents(transaction, rows)
    changes = {
        key: (present[key], None if present[key].follows(facts.order) else change(facts, present[key]))
        for key, facts in wanted.items()
    }
    await apply_changes(transaction, [made for _, made in changes.values() if made is not None])
    return changes


async def _remove(transaction: Transaction, orders: Mapping[Key, int]) -> dict[str, int]:
    present = await lock_documents(transaction, document_keys(sorted(orders)))
    changes = {key: removal(*key, present[key], order) for key, order in orders.items() if present[key].order <= order}
    await apply_changes(transaction, list(changes.values()))
    return {id_: made.removed for (tenant, id_), made in changes.items() if present[tenant, id_].digest}


async def lock_documents(transaction: Transaction, rows: Sequence[dict[str, Any]]) -> dict[Key, Present]:
    """Lock documents, making those that are new; what the graph says that it has of each."""
    found = await transaction.run(statements.LOCK_DOCUMENTS, rows=rows)
    return {
        (row["tenant"], row["id"]): Present(row["digest"], row["entities"], row["claims"], row["order"])
        for row in found
    }


def document_keys(keys: Sequence[Key]) -> list[dict[str, Any]]:
    """The rows of documents that are to be locked, in their order, and of which nothing is wanted."""
    return [_wanted(key, 0, "") for key in keys]


async def apply_changes(
    transaction: Transaction, changes: Sequence[Change], damaged: Sequence[Mapping[str, Any]] = ()
) -> None:
    """Make changes to documents that are locked.

    Args:
        transaction: which has locked them.
        changes: of different documents.
        damaged: entities that do not look as any document describes them: rows with no ``document``.
    """
    touched = {(each.tenant, id_) for each in changes for id_ in (*(row.id for row in each.supports), *each.abandons)}
    await _run(transaction, statements.LOCK_ENTITIES, ({"tenant": t, "id": id_} for t, id_ in sorted(touched)))
    await _drop(transaction, changes)
    supports = [_described(each, row) for each in changes for row in each.supports]
    abandons = [_of(each) | {"id": id_} for each in changes for id_ in each.abandons]
    await _run(transaction, statements.ABANDON, abandons)
    worse = await _run(transaction, statements.SUPPORT, supports)
    heirs = await _run(transaction, statements.HEIRS, [*abandons, *worse, *damaged])
    await _run(transaction, statements.DESCRIBE, map(_node, [*heirs, *_first(supports)]))
    await _run(transaction, statements.ORPHANS, abandons)
    await _add(transaction, changes)
    await _finish(transaction, changes)


async def _drop(transaction: Transaction, changes: Iterable[Change]) -> None:
    by_type: dict[str, list[dict[str, str]]] = defaultdict(list)
    for each in changes:
        for type_, id_ in each.drops:
            by_type[type_].append({"tenant": each.tenant, "id": id_})
    for type_, rows in by_type.items():
        await _run(transaction, statements.drop_claims(type_), rows)


async def _add(transaction: Transaction, changes: Iterable[Change]) -> None:
    by_type: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for each in changes:
        for claim in each.adds:
            own = {"tenant": each.tenant, "id": claim.id, "document": each.document_id}
            row = {"tenant": each.tenant, "subject": claim.subject, "object": claim.object}
            by_type[claim.type].append(row | {"properties": {**claim.properties, **own}})
    for type_, rows in by_type.items():
        await _run(transaction, statements.add_claims(type_), rows)


async def _finish(transaction: Transaction, changes: Iterable[Change]) -> None:
    kept = [each for each in changes if each.digest]
    await _run(transaction, statements.FINISH, map(_document, kept))
    gone = ({"tenant": each.tenant, "id": each.document_id, "order": each.order} for each in changes if not each.digest)
    await _run(transaction, statements.FORGET, gone)


async def _run(transaction: Transaction, statement: str, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    given = list(rows)
    return await transaction.run(statement, rows=given) if given else []


def _wanted(key: Key, order: int, digest: str) -> dict[str, Any]:
    return {"tenant": key[0], "id": key[1], "order": order, "digest": digest}


def _of(each: Change) -> dict[str, Any]:
    return {"tenant": each.tenant, "document": each.document_id}


def _described(each: Change, row: EntityRow) -> dict[str, Any]:
    standing = row.standing(each.document_id)
    return _of(each) | {"id": row.id, "label": row.label, "described": row.described, "standing": standing}


def _first(supports: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each entity the description with the smallest standing in this batch."""
    first: dict[Key, dict[str, Any]] = {}
    for row in sorted(supports, key=lambda row: row["standing"]):
        first.setdefault((row["tenant"], row["id"]), row)
    return list(first.values())


def _node(row: Mapping[str, Any]) -> dict[str, Any]:
    own = {"tenant": row["tenant"], "id": row["id"], "owner": row["standing"]}
    return {**row, "properties": {**orjson.loads(row["described"]), **own}}


def _document(each: Change) -> dict[str, Any]:
    entities = [row.id for row in each.supports]
    ids = {"tenant": each.tenant, "id": each.document_id, "node": each.node}
    return ids | {"digest": each.digest, "entities": entities, "claims": list(each.keys), "order": each.order}


def _receipt(facts: Facts, present: Present, made: Change | None) -> GraphReceipt:
    if made is None and present.follows(facts.order):
        return GraphReceipt(document_id=facts.document_id, nodes=0, edges=0, removed=0, superseded=True)
    removed = made.removed if made else 0
    return GraphReceipt(
        document_id=facts.document_id, nodes=len(facts.entities), edges=len(facts.claims), removed=removed
    )
