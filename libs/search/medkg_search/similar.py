"""More like this: what has the rare words of a chunk, or of a document. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

#: Chunks of a document that are read to know what it is about, the first of them: its title, summary, conditions.
READ_CHUNKS: Final = 8
_TERMS: Final = 25


def given_body(id_: str) -> dict[str, Any]:
    """The body of a search for what is meant by an id: a chunk, or the first chunks of a document."""
    meant = [{"term": {"chunk_id": id_}}, {"term": {"document_id": id_}}, {"term": {"known_as": id_}}]
    return {
        "size": READ_CHUNKS,
        "query": {"bool": {"filter": [{"bool": {"should": meant, "minimum_should_match": 1}}]}},
        "sort": [{"ordinal": "asc"}, {"chunk_id": "asc"}],
        "_source": ["document_id", "document_title", "text"],
    }


def similar_clause(given: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Matches what is like these records, in other documents.

    Args:
        given: what `given_body` found, as records; at least one.
    """
    texts = list(dict.fromkeys([given[0]["document_title"], *(record["text"] for record in given)]))
    like = {
        "more_like_this": {
            "fields": ["text"],
            "like": texts,
            "max_query_terms": _TERMS,
            "min_term_freq": 1,
            "min_doc_freq": 2,
            "minimum_should_match": "20%",
        }
    }
    own = [{"term": {"document_id": given[0]["document_id"]}}]
    return {"bool": {"must": [like], "must_not": own}}
