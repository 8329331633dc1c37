"""What a search in one arm, that of words, asks OpenSearch for. Pure."""

from typing import Any

from medkg_contracts.errors import InvalidRequest
from medkg_contracts.ids import digest

from .arms import bm25_clause
from .cursor import Cursor
from .filters import SearchFilters
from .highlight import HIGHLIGHT
from .syntax import parse_query

MAX_SIZE = 100


def search_digest(tenant: str, query: str, filters: SearchFilters) -> str:
    """What identifies a search across its pages."""
    return digest(tenant, query, filters.model_dump_json())[:16]


def search_body(query: str, filters: SearchFilters, size: int, after: Cursor | None) -> dict[str, Any]:
    """The body of a search for one page and one hit more, which tells whether another page follows.

    Raises:
        InvalidRequest: the query or the size breaks its rule.
    """
    if not 1 <= size <= MAX_SIZE:
        raise InvalidRequest(f"size is {size}; it is 1 to {MAX_SIZE}")
    parsed = parse_query(query)
    body = {
        "size": size + 1,
        "track_total_hits": True,
        "query": {"bool": {"must": [bm25_clause(parsed)], "filter": [*filters.clauses(), *parsed.clauses()]}},
        "sort": [{"_score": "desc"}, {"chunk_id": "asc"}],
        "_source": {"excludes": ["sparse"]},
        "highlight": HIGHLIGHT,
    }
    if after is not None:
        body["search_after"] = [after.score, after.chunk_id]
    return body


def count_body(filters: SearchFilters) -> dict[str, Any]:
    """The body of a count."""
    return {"query": {"bool": {"filter": filters.clauses()}}}
