"""The search index: names, mapping, queries."""

from .indices import ensure_indices
from .mapping import chunk_source
from .names import TenantNames
from .query import SearchFilters
from .refusal import record_refused, refused
from .results import SearchHit, SearchPage
from .search import ChunkSearch
from .server import SearchServer

__all__ = [
    "ChunkSearch",
    "SearchFilters",
    "SearchHit",
    "SearchPage",
    "SearchServer",
    "TenantNames",
    "chunk_source",
    "ensure_indices",
    "record_refused",
    "refused",
]
