"""Which chunks a search looks at. Pure."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, Final, Self

from medkg_contracts.ir import SectionType
from medkg_contracts.model import Contract, Name
from pydantic import AfterValidator, Field, model_validator

from .entities import ENTITIES
from .facets import is_day

_PHASE = re.compile(r"(?P<early>early)?[\s_-]*(?:phase)?[\s_-]*(?P<number>[1-4])", re.IGNORECASE | re.ASCII)
#: Entities of one filter.
MAX_ENTITIES: Final = 32
_NO_WORD = re.compile(r"\W+")


def _day(text: str) -> str:
    if not is_day(text):
        raise ValueError("a date is written 2021, 2021-03 or 2021-03-31")
    return text


#: A day, a month or a year as ISO 8601 writes it.
Day = Annotated[str, AfterValidator(_day)]
_Term = Annotated[str, Field(min_length=1, max_length=256)]
_Entity = Annotated[str, Field(min_length=1, max_length=300)]

#: Which ids are meant by an entity of a filter: one of them has to be there.
Meanings = Mapping[str, Sequence[str]]
#: Each entity is given by its id, and means just that.
AS_GIVEN: Final[Meanings] = MappingProxyType({})


class DateRange(Contract):
    """From one day, month or year to another, both included; one of them may be open.

    Attributes:
        since: such as ``2020``.
        until: such as ``2022-06``, which ends with that month.
    """

    since: Day | None = None
    until: Day | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.since is None and self.until is None:
            raise ValueError("a range of dates has a beginning, an end, or both")
        return self

    def clause(self) -> dict[str, Any]:
        """As OpenSearch's clause."""
        bounds = {}
        if self.since is not None:
            bounds["gte"] = self.since
        if self.until is not None:
            # Rounded up: the whole year, month or day.
            bounds["lte"] = f"{self.until}||/{'yMd'[self.until.count('-')]}"
        return {"range": {"date": bounds}}


class SearchFilters(Contract):
    """Which chunks are looked at: those that have one of the values, for each field that names some; of entities, all.

    Attributes:
        document_id: the document's id, such as ``ctgov:NCT02349698``.
        source: of the document.
        section_type: of the section that the chunk is of.
        status: of a study, as its source says it; ``active, not recruiting`` is ``ACTIVE_NOT_RECRUITING`` too.
        phase: of a study; ``3`` and ``phase 3`` are ``PHASE3`` too.
        mesh: MeSH terms, in any case.
        known_as: ids (NCT, PMID, DOI), the acronym or the title of documents, in any case.
        date: when the study began, or when the work was published.
        entity: what the chunk names or its document is about, such as ``MESH:D003924``; the search service takes the
            names of its vocabularies, too.
    """

    document_id: Annotated[tuple[str, ...], Field(max_length=1000)] = ()
    source: Annotated[tuple[Name, ...], Field(max_length=100)] = ()
    section_type: Annotated[tuple[SectionType, ...], Field(max_length=100)] = ()
    status: Annotated[tuple[_Term, ...], Field(max_length=100)] = ()
    phase: Annotated[tuple[_Term, ...], Field(max_length=100)] = ()
    mesh: Annotated[tuple[_Term, ...], Field(max_length=100)] = ()
    known_as: Annotated[tuple[_Term, ...], Field(max_length=100)] = ()
    date: Annotated[tuple[DateRange, ...], Field(max_length=100)] = ()
    entity: Annotated[tuple[_Entity, ...], Field(max_length=MAX_ENTITIES)] = ()

    def clauses(self, meanings: Meanings = AS_GIVEN) -> list[dict[str, Any]]:
        """As OpenSearch's filter clauses; each must hold.

        Args:
            meanings: the ids of entities that are not given by the one that they mean.
        """
        exact = {"document_id": self.document_id, "source": self.source, "section_type": self.section_type}
        clauses: list[dict[str, Any]] = [{"terms": {name: list(values)}} for name, values in exact.items() if values]
        if self.known_as:
            clauses.append({"terms": {"known_as": list(self.known_as)}})  # its normalizer sees to capitals
        folded = {
            "status": [word for value in self.status for word in (value, _NO_WORD.sub("_", value.strip()))],
            "phase": [word for value in self.phase for word in (value, phase_word(value))],
            "mesh": list(self.mesh),
        }
        clauses += (_any([_folded(name, value) for value in values]) for name, values in folded.items() if values)
        if self.date:
            clauses.append(_any([each.clause() for each in self.date]))
        clauses += ({"terms": {ENTITIES: list(meanings.get(entity, (entity,)))}} for entity in self.entity)
        return clauses


def phase_word(text: str) -> str:
    """The phase in the words of ClinicalTrials.gov; a text that names none as it is."""
    found = _PHASE.fullmatch(text.strip())
    return text if found is None else f"{'EARLY_' if found['early'] else ''}PHASE{found['number']}"


def _folded(field: str, value: str) -> dict[str, Any]:
    return {"term": {field: {"value": value, "case_insensitive": True}}}


def _any(clauses: list[dict[str, Any]]) -> dict[str, Any]:
    return clauses[0] if len(clauses) == 1 else {"bool": {"should": clauses, "minimum_should_match": 1}}
