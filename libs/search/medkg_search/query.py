"""What a search in one arm, that of words, asks OpenSearch for. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from medkg_contracts.errors import InvalidRequest
from medkg_contracts.ids import digest

from .arms import bm25_clause
from .counts import count_aggregations
from .cursor import Cursor
from .filters import SearchFilters
from .syntax import parse_query

MAX_SIZE = 100

#: Passages of the text as HTML; those of its names are for where the text has a name in another form than the query.
HIGHLIGHT = {
    "type": "unified",
    "encoder": "html",
    "number_of_fragments": 3,
    "fragment_size": 160,
    "no_match_size": 160,
    "max_analyzer_offset": 100_000,
    "fields": {"text": {}, "text.names": {"no_match_size": 0}},
}


def search_digest(tenant: str, query: str, filters: SearchFilters) -> str:
    """What identifies a search across its pages."""
    return digest(tenant, query, filters.model_dump_json())[:16]


def search_body(query: str, filters: SearchFilters, size: int, after: Cursor | None) -> dict[str, Any]:
    """The body of a search for one page and one hit more, which tells whether another page follows.

    Raises:
        InvalidRequest: the query or the size breaks its rule.
    """
    parsed = parse_query(query)
    body = ranked_body(bm25_clause(parsed), [*filters.clauses(), *parsed.clauses()], size)
    if after is not None:
        body["search_after"] = [after.score, after.chunk_id]
    return body


def ranked_body(clause: Mapping[str, Any], filters: Sequence[Mapping[str, Any]], size: int) -> dict[str, Any]:
    """The body of a search for the best of what matches, and for one hit more.

    Raises:
        InvalidRequest: the size breaks its rule.
    """
    if not 1 <= size <= MAX_SIZE:
        raise InvalidRequest(f"size is {size}; it is 1 to {MAX_SIZE}")
    return {
        "size": size + 1,
        "track_total_hits": True,
        "query": {"bool": {"must": [clause], "filter": list(filters)}},
        "sort": [{"_score": "desc"}, {"chunk_id": "asc"}],
        "_source": {"excludes": ["sparse"]},
        "highlight": HIGHLIGHT,
    }


def count_body(filters: SearchFilters) -> dict[str, Any]:
    """The body of a count."""
    return {"query": {"bool": {"filter": filters.clauses()}}}


def facets_body(query: str, filters: SearchFilters) -> dict[str, Any]:
    """The body of a search that counts what all its hits have, and returns none of them.

    Raises:
        InvalidRequest: the query breaks its rule.
    """
    parsed = parse_query(query)
    matched = [bm25_clause(parsed), *filters.clauses(), *parsed.clauses()]
    return {"size": 0, "query": {"bool": {"filter": matched}}, "aggs": count_aggregations()}
