"""What the indices hold. Strict: an unknown field is refused, not guessed at."""

from typing import Any

from medkg_contracts.ir import Chunk

from .analysis import KNOWN_AS, NAME_SIMILARITY, NAMES, NAMES_QUERY, PROSE
from .facets import MAX_KNOWN_AS, known_as

_KEYWORD = {"type": "keyword"}
#: Read as prose, and its names each as a term of its own.
_TEXT = {
    "type": "text",
    "analyzer": PROSE,
    "fields": {
        "names": {
            "type": "text",
            "analyzer": NAMES,
            "search_analyzer": NAMES_QUERY,
            "similarity": NAME_SIMILARITY,
        }
    },
}

CHUNKS: dict[str, Any] = {
    "dynamic": "strict",
    "properties": {
        "chunk_id": _KEYWORD,
        "document_id": _KEYWORD,
        "document_title": _TEXT,
        "source": _KEYWORD,
        # What a document is asked for by: its ids, its acronym, its title, in small letters.
        "known_as": {"type": "keyword", "normalizer": KNOWN_AS, "ignore_above": MAX_KNOWN_AS},
        # What one filters and counts by; see `document_facets`.
        "date": {"type": "date", "format": "strict_date||strict_year_month||strict_year"},
        "status": _KEYWORD,
        "phase": _KEYWORD,
        "mesh": {"type": "keyword", "ignore_above": 256},
        # Ids of the graph's entities; see `chunk_entities`.
        "named": _KEYWORD,
        "entities": _KEYWORD,
        "section_id": _KEYWORD,
        "section_type": _KEYWORD,
        "section_title": _TEXT,
        "ordinal": {"type": "integer"},
        "text": _TEXT,
        "span": {"properties": {"start": {"type": "integer"}, "end": {"type": "integer"}}},
        "token_count": {"type": "integer"},
        "coherence": {"type": "float", "index": False},
        # Which version of its document the record belongs to, and whether its dense vector is in the changelog, which
        # then says when the version is to be seen.
        "version": _KEYWORD,
        "vectors": {"type": "boolean"},
        # The sparse vector: `feature_weights`.
        "sparse": {"type": "rank_features"},
    },
}

#: A document's manifest, and the tenant's live model, are read by their ids alone; nothing of them is searched but the
#: document's id.
DOCUMENTS: dict[str, Any] = {
    "dynamic": "strict",
    "properties": {
        "document_id": _KEYWORD,
        # Of manifests that releases before 5 wrote.
        "chunk_ids": {"type": "keyword", "index": False, "doc_values": False},
        "manifest": {"type": "object", "enabled": False},
        "live_model": {"type": "object", "enabled": False},
    },
}


def field_type(path: str) -> str | None:
    """The type that the mappings give a field, such as ``span.start``; None for a field that they do not have."""
    first, *rest = path.split(".")
    field = CHUNKS["properties"].get(first) or DOCUMENTS["properties"].get(first) or {}
    for name in rest:
        field = field.get("properties", {}).get(name, {})
    kind: str | None = field.get("type")
    return kind


def chunk_source(chunk: Chunk) -> dict[str, Any]:
    """The chunk as `CHUNKS` maps it; what its document has beside, `document_facets` tells."""
    source = chunk.model_dump(mode="json")
    source["chunk_id"] = source.pop("id")
    source["known_as"] = known_as(chunk.document_id, chunk.document_title)
    return source
