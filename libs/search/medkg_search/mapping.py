"""What the indices hold. Strict: an unknown field is refused, not guessed at."""

from typing import Any

from medkg_contracts.ir import Chunk

_KEYWORD = {"type": "keyword"}
_ENGLISH = {"type": "text", "analyzer": "english"}
#: Searched as English text, and filtered or counted by as a whole. OpenSearch refuses terms over 32,766 bytes.
_TITLE = {**_ENGLISH, "fields": {"keyword": {"type": "keyword", "ignore_above": 512}}}

CHUNKS: dict[str, Any] = {
    "dynamic": "strict",
    "properties": {
        "chunk_id": _KEYWORD,
        "document_id": _KEYWORD,
        "document_title": _TITLE,
        "source": _KEYWORD,
        "section_id": _KEYWORD,
        "section_type": _KEYWORD,
        "section_title": _TITLE,
        "ordinal": {"type": "integer"},
        "text": _ENGLISH,
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
    """The chunk as `CHUNKS` maps it."""
    source = chunk.model_dump(mode="json")
    source["chunk_id"] = source.pop("id")
    return source
