"""What a search answers."""

from collections.abc import Mapping
from typing import Any

from medkg_contracts.errors import ConfigurationError, IndexUnavailable
from medkg_contracts.ir import Chunk
from medkg_contracts.model import Contract, first_violation
from pydantic import ValidationError

from .cursor import Cursor
from .highlight import snippets
from .refusal import refused


class SearchHit(Contract):
    """A chunk that was found.

    Attributes:
        score: BM25's; comparable within one search only.
        snippets: at most 3 passages of the text as HTML: ``<em>`` around what matched, all else escaped.
    """

    chunk: Chunk
    score: float
    snippets: list[str]


class SearchPage(Contract):
    """Some hits of a search, best first.

    Attributes:
        total: hits in all pages.
        cursor: gives the next page; None when this is the last.
    """

    hits: list[SearchHit]
    total: int
    cursor: str | None


def whole(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer, which is one of all shards, in time: part of the hits would look like all of them.

    Raises:
        IndexUnavailable: it is not.
        ConfigurationError: a shard refused the request; see `refused`.
    """
    shards = answer["_shards"]
    if failures := shards.get("failures"):
        raise refused(f"{shards['failed']} of {shards['total']} shards failed", failures[0]["reason"])
    if shards["failed"] or answer.get("timed_out"):
        raise IndexUnavailable(
            f"not all of {shards['total']} shards answered within their time",
            remedy="OpenSearch has too much to do: wait, or see its log.",
        )
    return answer


def read_page(answer: Mapping[str, Any], size: int, search: str) -> SearchPage:
    """The page that OpenSearch's answer holds.

    Args:
        answer: to a `search_body` of this size.
        size: of the page.
        search: the search's digest, for the cursor.

    Raises:
        ConfigurationError: a hit is none of ours.
    """
    found = answer["hits"]["hits"]
    hits = [_hit(hit) for hit in found[:size]]
    cursor = None
    if len(found) > size:
        cursor = Cursor(search=search, score=hits[-1].score, chunk_id=hits[-1].chunk.id).encode()
    return SearchPage(hits=hits, total=answer["hits"]["total"]["value"], cursor=cursor)


def chunk_of(hit: Mapping[str, Any]) -> Chunk:
    """The chunk that a hit's record holds.

    Raises:
        ConfigurationError: it holds none.
    """
    source = {name: value for name, value in hit["_source"].items() if name in Chunk.model_fields}
    source["id"] = hit["_source"].get("chunk_id")
    try:
        return Chunk.model_validate(source)
    except ValidationError as error:
        raise ConfigurationError(
            f"record {hit['_id']} of index {hit['_index']} is no chunk: {first_violation(error)}",
            remedy="Find who else writes into the index, or which version of medkg did; delete the record, or the "
            "index, and run its documents again.",
        ) from error


def _hit(hit: Mapping[str, Any]) -> SearchHit:
    return SearchHit(chunk=chunk_of(hit), score=hit["_score"], snippets=snippets(hit))
