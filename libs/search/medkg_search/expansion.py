"""What is looked for beside the words that were typed, by a vocabulary, and what of it a hit has. Pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from medkg_contracts.knowledge import Curie
from medkg_contracts.model import Contract

from .entities import ENTITIES, NAMED

#: The fields in which names are looked for.
NAME_FIELDS: Final = ("text", "document_title", "section_title")
#: Matches that a hit tells, those of synonyms first.
MOST_MATCHES: Final = 12

#: What another name is worth beside the words that were typed: less, since nobody has asked for it in these words.
_SYNONYM: Final = 0.6
_DESCENDANT: Final = 0.4
#: What a record's own list of entities is worth; as other names, the rarer the thing the more.
_SAME_ENTITY: Final = 0.6
#: One of many that are below a term: hundreds of them cannot be weighed one by one.
_BELOW: Final = 0.5
#: The chunk does not name it, but its document is about it.
_ABOUT: Final = 0.2


class Relation(StrEnum):
    """What a thing that was found is to the term that was typed: itself, by another name, or something below it."""

    TERM = "term"
    SYNONYM = "synonym"
    DESCENDANT = "descendant"


class SoughtName(Contract):
    """A name that is looked for beside what was typed.

    Attributes:
        id: of the term that has it.
    """

    text: str
    id: Curie
    relation: Relation


class Expansion(Contract):
    """A term of a vocabulary that the query names, and what is looked for besides.

    Attributes:
        typed: the words of the query that are the term's name.
        id: of the term.
        name: the vocabulary's preferred one.
        vocabulary: such as ``mesh``.
        names: that are looked for, as phrases.
        descendants: how many terms are below it; records that have one of them by its id count, too.
    """

    typed: str
    id: Curie
    name: str
    vocabulary: str
    names: tuple[SoughtName, ...]
    descendants: int


class ExpansionMatch(Contract):
    """What a hit has of an expansion.

    Attributes:
        typed: the words of the query that were expanded.
        by: the name that the hit has; of an entity that its record has, the vocabulary's name.
        id: of the term.
        relation: to the term that was typed.
        fields: of the record that have it: texts, ``named`` for what its text names, ``entities`` for what its document
            is about.
    """

    typed: str
    by: str
    id: Curie
    relation: Relation
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Expanded:
    """An expansion, with all that is below its term.

    Attributes:
        told: what is told of it.
        below: the names of the terms below, by their ids.
    """

    told: Expansion
    below: Mapping[str, str]


def expansion_clauses(expanded: Sequence[Expanded]) -> list[dict[str, Any]]:
    """For each name that was typed a clause that scores the best of what a record has: ten names are no ten things."""
    by_typed: dict[str, list[Expanded]] = {}
    for each in expanded:
        by_typed.setdefault(each.told.typed.casefold(), []).append(each)
    return [
        {"dis_max": {"queries": [clause for each in alike for clause in _alternatives(each)]}}
        for alike in by_typed.values()
    ]


def tracing_clauses(expanded: Sequence[Expanded]) -> list[dict[str, Any]]:
    """Clauses with names of their own, by which `expansion_matches` knows which names a record has, and where."""
    return [
        {"match_phrase": {field: {"query": name.text, "_name": _trace(number, place, field)}}}
        for number, each in enumerate(expanded)
        for place, name in enumerate(each.told.names)
        for field in NAME_FIELDS
    ]


def expansion_matches(
    expanded: Sequence[Expanded], clauses: Collection[str], named: Collection[str], entities: Collection[str]
) -> list[ExpansionMatch]:
    """What a record has of the expansions.

    Args:
        expanded: of the query.
        clauses: those of `tracing_clauses` that it has matched.
        named: the ids of its field of that name.
        entities: likewise.
    """
    found = [
        match
        for number, each in enumerate(expanded)
        for match in (*_by_names(number, each, clauses), *_by_ids(each, named, entities))
    ]
    order = {relation: place for place, relation in enumerate((Relation.SYNONYM, Relation.TERM, Relation.DESCENDANT))}
    return sorted(found, key=lambda match: order[match.relation])[:MOST_MATCHES]


def _alternatives(each: Expanded) -> Iterator[dict[str, Any]]:
    for name in each.told.names:
        boost = _SYNONYM if name.relation is Relation.SYNONYM else _DESCENDANT
        fields = list(NAME_FIELDS)
        yield {"multi_match": {"query": name.text, "type": "phrase", "fields": fields, "boost": boost}}
    yield {"term": {NAMED: {"value": each.told.id, "boost": _SAME_ENTITY}}}
    if each.below:
        yield {"constant_score": {"filter": {"terms": {NAMED: list(each.below)}}, "boost": _BELOW}}
    about = [each.told.id, *each.below]
    yield {"constant_score": {"filter": {"terms": {ENTITIES: about}}, "boost": _ABOUT}}


def _by_names(number: int, each: Expanded, clauses: Collection[str]) -> Iterator[ExpansionMatch]:
    for place, name in enumerate(each.told.names):
        fields = tuple(field for field in NAME_FIELDS if _trace(number, place, field) in clauses)
        if fields:
            yield ExpansionMatch(typed=each.told.typed, by=name.text, id=name.id, relation=name.relation, fields=fields)


def _by_ids(each: Expanded, named: Collection[str], entities: Collection[str]) -> Iterator[ExpansionMatch]:
    for id_ in entities:
        if id_ == each.told.id or id_ in each.below:
            itself = id_ == each.told.id
            yield ExpansionMatch(
                typed=each.told.typed,
                by=each.told.name if itself else each.below[id_],
                id=id_,
                relation=Relation.TERM if itself else Relation.DESCENDANT,
                fields=(NAMED if id_ in named else ENTITIES,),
            )


def _trace(number: int, place: int, field: str) -> str:
    return f"{number}.{place}.{field}"
