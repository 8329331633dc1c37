"""What a search asks OpenSearch for. Pure."""

from typing import Annotated, Any

from medkg_contracts.errors import InvalidRequest
from medkg_contracts.ids import digest
from medkg_contracts.ir import SectionType
from medkg_contracts.model import Contract, Name
from pydantic import Field

from .cursor import Cursor

MAX_QUERY = 512
MAX_SIZE = 100

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
                "filter": filters.clauses(),
            }
        },
        "sort": [{"_score": "desc"}, {"chunk_id": "asc"}],
        "highlight": _HIGHLIGHT,
    }
    if after is not None:
        body["search_after"] = [after.score, after.chunk_id]
    return body


def count_body(filters: SearchFilters) -> dict[str, Any]:
    """The body of a count."""
    return {"query": {"bool": {"filter": filters.clauses()}}}
