"""Holds what extractors make against the Biolink model, of which model.json has the parts that matter to it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from medkg_contracts.knowledge import Claim, Claims, Entities, Entity

MODEL: Final[dict[str, Any]] = json.loads(Path(__file__).with_name("model.json").read_text())

#: Prefixes that the model lacks: of what no public vocabulary has, and Bioregistry's of two registries.
OTHER_PREFIXES: Final = frozenset({"MEDKG", "openalex", "ror"})


def problems(entities: Entities, claims: Claims) -> set[str]:
    """What the Biolink model does not have, or does not allow; the same thing is told once."""
    known = {each.id: each for each in (entities.document, *entities.entities)}
    return {
        *(told for entity in known.values() for told in _of_entity(entity)),
        *(told for claim in claims.claims for told in _of_claim(claim, known)),
    }


def _of_entity(entity: Entity) -> Iterator[str]:
    category = entity.category.removeprefix("biolink:")
    if not MODEL["classes"].get(category, {}).get("usable"):
        yield f"category {category}"
    for curie in (entity.id, *entity.xrefs):
        if (prefix := curie.partition(":")[0]) not in {*MODEL["prefixes"], *OTHER_PREFIXES}:
            yield f"prefix {prefix}"
    # As kgx has it of a node's id.
    if not re.fullmatch(r"[^ <()>:]*:[^/ :]+", entity.id):
        yield f"id {entity.id}"


def _of_claim(claim: Claim, known: dict[str, Entity]) -> Iterator[str]:
    name = claim.predicate.removeprefix("biolink:")
    predicate = MODEL["predicates"].get(name)
    if predicate is None or not predicate["usable"]:
        yield f"predicate {name}"
        return
    for end, wanted in ((claim.subject, predicate["domain"]), (claim.object, predicate["range"])):
        category = known[end].category.removeprefix("biolink:")
        if wanted not in MODEL["classes"].get(category, {}).get("ancestors", ()) and wanted != "NamedThing":
            yield f"{name} of or to {category}, which is no {wanted}"
    yield from _of_provenance(claim)
    yield from _of_qualifiers(claim)


def _of_provenance(claim: Claim) -> Iterator[str]:
    if claim.knowledge_level not in MODEL["knowledge_levels"]:
        yield f"knowledge level {claim.knowledge_level}"
    if claim.agent_type not in MODEL["agent_types"]:
        yield f"agent type {claim.agent_type}"
    if not claim.knowledge_source.startswith("infores:"):
        yield f"knowledge source {claim.knowledge_source}"
    for curie in claim.publications:
        if (prefix := curie.partition(":")[0]) not in {*MODEL["prefixes"], *OTHER_PREFIXES}:
            yield f"prefix {prefix} of a publication"


def _of_qualifiers(claim: Claim) -> Iterator[str]:
    for name, value in claim.qualifiers.items():
        if not name.endswith("_qualifier"):
            continue
        if name not in MODEL["qualifiers"]:
            yield f"qualifier {name}"
        elif (allowed := MODEL["qualifiers"][name]) is not None and value not in allowed:
            yield f"{name} {value}"
