"""The search index: names, mapping, queries."""

from .features import feature_name, feature_weights
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
    "feature_name",
    "feature_weights",
    "record_refused",
    "refused",
]
