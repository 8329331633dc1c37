"""Whether the graph has just what a document says, and what has to be written if not. Pure.

A document's node lists what the graph has of it, and writers go by that list. Here the list is not believed: what
stands in the graph is read, so that what somebody has damaged, added or deleted behind our back is found.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from .changes import Change, Present, change
from .facts import ClaimRow, EntityRow, Facts

#: Stands in the place of a version for a claim whose relationship has other properties or ends than its key says.
_DAMAGED: Final = "damaged"


@dataclass(frozen=True, slots=True)
class FoundClaim:
    """A relationship that the graph has under a claim's type and id."""

    subject: str
    object: str
    properties: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FoundEntity:
    """An entity that a document's node is tied to.

    Attributes:
        label: as the document describes it.
        described: the JSON of its properties, as the document describes it.
        labels: that the entity has.
        properties: that the entity has.
        standing: of the document's description.
        owned: a document that supports the entity, this one or one of a smaller standing, is named as its owner.
    """

    label: str
    described: str
    standing: str
    labels: Sequence[str]
    properties: Mapping[str, Any]
    owned: bool


@dataclass(frozen=True, slots=True)
class Found:
    """What the graph really has of a document.

    Attributes:
        listed: what its node says.
        claims: by ``(type, id)``, those that are wanted.
        entities: by id.
    """

    listed: Present
    claims: dict[tuple[str, str], FoundClaim] = field(default_factory=dict)
    entities: dict[str, FoundEntity] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Difference:
    """What a document's facts lack in the graph, or have too much.

    Attributes:
        change: what mends it.
        damaged: entities that do not look as they are described.
    """

    change: Change
    damaged: tuple[str, ...]


def difference(facts: Facts, found: Found) -> Difference | None:
    """What leads from what there is to these facts; None if they are there, whole and alone."""
    right = {row.id: _entity_is_right(facts, row, found.entities.get(row.id)) for row in facts.entities}
    damaged = tuple(id_ for id_, is_right in right.items() if not is_right)
    present = Present(
        digest="",
        entities={*found.listed.entities, *found.entities},
        claims={*_wanted_claims(facts, found), *_unwanted_claims(facts, found)},
        order=found.listed.order,
    )
    made = change(facts, present)
    if made is None or (_agrees(facts, found, damaged) and not made.adds and not made.drops and not made.abandons):
        return None
    return Difference(made, damaged)


def _agrees(facts: Facts, found: Found, damaged: tuple[str, ...]) -> bool:
    """Whether the list is right, the entities look right, and it is of this version."""
    listed = found.listed
    return (
        not damaged
        and listed.digest == facts.digest
        and listed.order >= facts.order
        and set(listed.claims) == {row.key for row in facts.claims}
        and set(listed.entities) == {row.id for row in facts.entities}
    )


def _wanted_claims(facts: Facts, found: Found) -> list[str]:
    """The keys of the wanted claims that are there; of damaged ones, keys that nobody wants."""
    keys = []
    for row in facts.claims:
        there = found.claims.get((row.type, row.id))
        if there is not None:
            keys.append(row.key if _claim_is_right(facts, row, there) else f"{row.type}:{row.id}:{_DAMAGED}")
    return keys


def _unwanted_claims(facts: Facts, found: Found) -> list[str]:
    """The keys that the list has and nobody wants; of wanted claims the graph itself has been asked."""
    wanted = {(row.type, row.id) for row in facts.claims}
    return [key for key in found.listed.claims if tuple(key.split(":")[:2]) not in wanted]


def _claim_is_right(facts: Facts, row: ClaimRow, there: FoundClaim) -> bool:
    own = {"tenant": facts.tenant, "id": row.id, "document": facts.document_id}
    ends = (row.subject, row.object) == (there.subject, there.object)
    return ends and {**row.properties, **own} == there.properties


def _entity_is_right(facts: Facts, row: EntityRow, there: FoundEntity | None) -> bool:
    described = (row.label, row.described, row.standing(facts.document_id))
    if there is None or not there.owned or (there.label, there.described, there.standing) != described:
        return False
    if there.properties.get("owner") != there.standing:
        return True  # it is right if its owner's description is
    own = {"tenant": facts.tenant, "id": row.id, "owner": there.standing}
    return {*there.labels} == {"Entity", row.label} and there.properties == {**row.properties, **own}
