"""The search index: names, mapping, queries."""

from .arms import bm25_clause, splade_clause
from .entities import chunk_entities
from .facets import document_facets
from .features import feature_name, feature_weights
from .filters import DateRange, SearchFilters
from .indices import ensure_indices
from .mapping import chunk_source
from .names import TenantNames
from .refusal import record_refused, refused
from .reindex import Reindexed, reindex_chunks
from .results import SearchHit, SearchPage
from .search import ChunkSearch
from .server import SearchServer
from .syntax import SearchQuery, parse_query

__all__ = [
    "ChunkSearch",
    "DateRange",
    "Reindexed",
    "SearchFilters",
    "SearchHit",
    "SearchPage",
    "SearchQuery",
    "SearchServer",
    "TenantNames",
    "bm25_clause",
    "chunk_entities",
    "chunk_source",
    "document_facets",
    "ensure_indices",
    "feature_name",
    "feature_weights",
    "parse_query",
    "record_refused",
    "refused",
    "reindex_chunks",
    "splade_clause",
]
