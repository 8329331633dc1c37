"""More like this: what a chunk, or a document, is compared by. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

#: Chunks of a document that are read to know what it is about, the first of them: its title, summary, conditions.
READ_CHUNKS: Final = 8
_TERMS: Final = 25


@dataclass(frozen=True, slots=True)
class Liked:
    """What others are to be like.

    Attributes:
        document_id: the document that it is of, or is.
        title: the document's.
        text: of its chunks.
        sparse: its features with their weights, as the index has them.
    """

    document_id: str
    title: str
    text: str
    sparse: Mapping[str, float]


def given_body(id_: str) -> dict[str, Any]:
    """The body of a search for what is meant by an id: a record, a chunk, or the first chunks of a document."""
    names = ({"term": {field: id_}} for field in ("chunk_id", "document_id", "known_as"))
    return {
        "size": READ_CHUNKS,
        "track_total_hits": False,
        "query": {
            "bool": {"filter": [{"bool": {"should": [{"ids": {"values": [id_]}}, *names], "minimum_should_match": 1}}]}
        },
        "sort": [{"document_id": "asc"}, {"ordinal": "asc"}, {"chunk_id": "asc"}],
        "_source": ["document_id", "document_title", "text", "sparse"],
    }


def liked(given: Sequence[Mapping[str, Any]]) -> Liked:
    """What these records are like together; an acronym that several documents have is the first one's.

    Args:
        given: what `given_body` found, as records; at least one.
    """
    first = given[0]
    own = [record for record in given if record["document_id"] == first["document_id"]]
    sparse: dict[str, float] = {}
    for record in own:
        for feature, weight in (record.get("sparse") or {}).items():
            sparse[feature] = max(weight, sparse.get(feature, 0.0))
    text = "\n".join(dict.fromkeys(record["text"] for record in own))
    return Liked(first["document_id"], first["document_title"], text, sparse)


def similar_clause(like: Liked) -> dict[str, Any]:
    """Matches what has the words that tell this from others."""
    return {
        "more_like_this": {
            "fields": ["text"],
            "like": [like.title, like.text],
            "max_query_terms": _TERMS,
            "min_term_freq": 1,
            "min_doc_freq": 2,
            "minimum_should_match": "20%",
        }
    }


def others(like: Liked) -> dict[str, Any]:
    """Holds of what is of other documents."""
    return {"bool": {"must_not": [{"term": {"document_id": like.document_id}}]}}
