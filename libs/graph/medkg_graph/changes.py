"""What has to be written so that the graph has these facts of a document, given what it has. Pure."""

from collections.abc import Collection
from dataclasses import dataclass

from .facts import ClaimRow, EntityRow, Facts


@dataclass(frozen=True, slots=True)
class Present:
    """What a document's node says that the graph has of it.

    Attributes:
        digest: of its facts; "" if there are none.
        entities: ids of those that it supports.
        claims: `ClaimRow.key` of each.
        order: of the version that it has, or the least that may follow where the document was removed; 0 for none.
    """

    digest: str = ""
    entities: Collection[str] = ()
    claims: Collection[str] = ()
    order: int = 0

    def follows(self, order: int) -> bool:
        """Whether it is of a later version than that with this order, or of the document's removal since."""
        return 0 < order < self.order


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one document's facts.

    Attributes:
        tenant: whose document it is.
        document_id: the document.
        node: the entity that it is; "" when the document goes.
        digest: of the facts that it will have; "" when the document goes.
        supports: the entities that it describes, as it describes them now.
        abandons: ids of entities that it supported and no longer does.
        adds: claims that are new or have changed.
        drops: ``(type, id)`` of claims that are gone or have changed.
        removed: how many claims it no longer makes at all.
        keys: of all claims that it will have.
        order: of the version that it will have; where the document goes, the least that may come again.
    """

    tenant: str
    document_id: str
    node: str
    digest: str
    supports: tuple[EntityRow, ...]
    abandons: tuple[str, ...]
    adds: tuple[ClaimRow, ...]
    drops: tuple[tuple[str, str], ...]
    removed: int
    keys: tuple[str, ...]
    order: int = 0


def change(facts: Facts, present: Present) -> Change | None:
    """What leads from what there is to these facts; None if they are there already."""
    if facts.digest == present.digest:
        return None
    have, want = set(present.claims), {row.key: row for row in facts.claims}
    gone = sorted(key for key in have if key not in want)
    ids = {row.id for row in facts.claims}
    supported = {row.id for row in facts.entities}
    return Change(
        tenant=facts.tenant,
        document_id=facts.document_id,
        node=facts.node,
        digest=facts.digest,
        supports=facts.entities,
        abandons=tuple(sorted(set(present.entities) - supported)),
        adds=tuple(row for key, row in sorted(want.items()) if key not in have),
        drops=tuple(_named(key) for key in gone),
        removed=sum(_named(key)[1] not in ids for key in gone),
        keys=tuple(sorted(want)),
        order=max(facts.order, present.order),
    )


def removal(tenant: str, document_id: str, present: Present, order: int = 0) -> Change:
    """What takes a document and all that only it supports out of the graph, in all versions up to this order.

    What is known of the order stays, so that a version that was on its way meanwhile does not bring the document back.
    """
    drops = tuple(_named(key) for key in sorted(present.claims))
    least = max(present.order, order + 1 if order else 0)
    gone = tuple(sorted(present.entities))
    return Change(tenant, document_id, "", "", (), gone, (), drops, removed=len(drops), keys=(), order=least)


def _named(key: str) -> tuple[str, str]:
    """The type and the id of a claim's key."""
    type_, id_, _ = key.split(":")
    return type_, id_
