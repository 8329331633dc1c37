"""What a search asks OpenSearch for. Pure."""

import re
from typing import Annotated, Any

from medkg_contracts.errors import InvalidRequest
from medkg_contracts.ids import digest
from medkg_contracts.ir import SectionType
from medkg_contracts.model import Contract, Name
from pydantic import Field

from .cursor import Cursor

MAX_QUERY = 512
MAX_SIZE = 100

#: A word of parts, such as ``PARADIGM-HF``, ``COU-AA-301``, ``BRCA1/2``: the index has the parts as words of their own.
_COMPOUND = re.compile(r"\w+(?:[-\u2010\u2011\u2012\u2013\u2212/+&]\w+)+")
#: An identifier, such as ``NCT02349698``: others cite it, often in fewer words than the document that has it.
_IDENTIFIER = re.compile(r"\b[^\W\d_]+\d{4,}\b")
#: What it is worth that a compound's parts stand together: more than its parts are wherever they stand, and the same
#: for a compound that is in every document, so that the other words of a long query decide.
_TOGETHER = 10.0
#: OpenSearch counts clauses: so many compounds of a query, and so many identifiers, are looked for in these ways.
_MAX_WORDS = 16

_FIELDS = ["text^1", "document_title^2", "section_title^1"]
_HIGHLIGHT = {
    "type": "unified",
    "encoder": "html",
    "number_of_fragments": 3,
    "fragment_size": 160,
    "no_match_size": 160,
    "max_analyzer_offset": 100_000,
    "fields": {"text": {}},
}


class SearchFilters(Contract):
    """Which chunks are looked at: those that have one of the values, for each field that names some."""

    document_id: Annotated[tuple[str, ...], Field(max_length=1000)] = ()
    source: Annotated[tuple[Name, ...], Field(max_length=100)] = ()
    section_type: Annotated[tuple[SectionType, ...], Field(max_length=100)] = ()

    def clauses(self) -> list[dict[str, Any]]:
        """As OpenSearch's filter clauses."""
        return [{"terms": {field: list(values)}} for field, values in self if values]


def search_digest(tenant: str, query: str, filters: SearchFilters) -> str:
    """What identifies a search across its pages."""
    return digest(tenant, query, filters.model_dump_json())[:16]


def search_body(query: str, filters: SearchFilters, size: int, after: Cursor | None) -> dict[str, Any]:
    """The body of a search for one page and one hit more, which tells whether another page follows.

    Raises:
        InvalidRequest: the query or the size breaks its rule.
    """
    if not query.strip():
        raise InvalidRequest("the query is empty")
    if len(query) > MAX_QUERY:
        raise InvalidRequest(f"the query has {len(query)} characters; at most {MAX_QUERY} are read")
    if not 1 <= size <= MAX_SIZE:
        raise InvalidRequest(f"size is {size}; it is 1 to {MAX_SIZE}")
    body: dict[str, Any] = {
        "size": size + 1,
        "track_total_hits": True,
        "query": {
            "bool": {
                "must": [{"multi_match": {"query": query, "type": "most_fields", "fields": _FIELDS}}],
                "should": [
                    *(_together(compound) for compound in _words(_COMPOUND, query)),
                    *(_identified(identifier) for identifier in _words(_IDENTIFIER, query)),
                ],
                "filter": filters.clauses(),
            }
        },
        "sort": [{"_score": "desc"}, {"chunk_id": "asc"}],
        "highlight": _HIGHLIGHT,
    }
    if after is not None:
        body["search_after"] = [after.score, after.chunk_id]
    return body


def _words(pattern: re.Pattern[str], query: str) -> list[str]:
    """The query's words of this pattern, each once, in their order."""
    return list(dict.fromkeys(pattern.findall(query)))[:_MAX_WORDS]


def _together(compound: str) -> dict[str, Any]:
    """Whether the compound's parts follow one another in a field."""
    phrase = {"multi_match": {"query": compound, "type": "phrase", "fields": _FIELDS}}
    return {"constant_score": {"filter": phrase, "boost": _TOGETHER}}


def _identified(identifier: str) -> dict[str, Any]:
    """Whether the identifier stands where a document says what it is itself."""
    where = [{"term": {"section_type": "identification"}}, {"match": {"text": identifier}}]
    return {"constant_score": {"filter": {"bool": {"filter": where}}, "boost": _TOGETHER}}


def count_body(filters: SearchFilters) -> dict[str, Any]:
    """The body of a count."""
    return {"query": {"bool": {"filter": filters.clauses()}}}
