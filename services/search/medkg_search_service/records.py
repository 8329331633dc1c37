"""The records of the search index, as a search asks for them: ranked, filtered, or whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from medkg_contracts.errors import IndexMissing, NotFound
from medkg_contracts.ir import Chunk
from medkg_search import SearchServer, TenantNames
from medkg_search.counts import count_aggregations, read_counts
from medkg_search.entities import ENTITIES, NAMED
from medkg_search.highlight import HIGHLIGHT, snippets
from medkg_search.hybrid import Facet, FacetCount
from medkg_search.results import chunk_of, whole
from medkg_search.similar import Liked, given_body, liked

from .candidate import Candidate

#: Clauses of OpenSearch that must hold.
Clauses = Sequence[Mapping[str, Any]]

_SORT: Final = [{"_score": "desc"}, {"chunk_id": "asc"}, {"version": "asc"}]
_KEPT: Final = ["document_id", "version", "vectors"]


@dataclass(frozen=True, slots=True)
class RankedPage:
    """Some records of a ranking.

    Attributes:
        after: continues behind them; None when these are the last.
    """

    candidates: Sequence[Candidate]
    after: Sequence[Any] | None


@dataclass(frozen=True, slots=True)
class Shown:
    """A record as a hit shows it.

    Attributes:
        snippets: passages of its text.
        traced: the names of the clauses that were to be traced and have matched.
        named: ids of the entities that its text names.
        entities: of those, and of those that its document is about.
    """

    chunk: Chunk
    snippets: list[str]
    traced: frozenset[str] = frozenset()
    named: Sequence[str] = ()
    entities: Sequence[str] = ()


class Records:
    """The records of all tenants; every question names one, and goes to its own index.

    Each method raises:
        IndexMissing: the tenant has no index.
        IndexUnavailable: OpenSearch did not answer, or not with all that there is.
        ConfigurationError: OpenSearch refused, or the index holds what is none of ours.
        InvalidRequest: the question asks too much.
    """

    def __init__(self, server: SearchServer) -> None:
        self._server = server

    async def ranked(
        self, tenant: str, clause: Mapping[str, Any], must: Clauses, size: int, after: Sequence[Any] | None
    ) -> RankedPage:
        """The records that match a clause, best first, `size` at most, behind `after`."""
        body: dict[str, Any] = {
            "size": size,
            "track_total_hits": False,
            "query": {"bool": {"must": [clause], "filter": list(must)}},
            "sort": _SORT,
            # Of a hundred records: their texts and features would have to be read to leave all but these out.
            "_source": False,
            "docvalue_fields": _KEPT,
        }
        if after is not None:
            body["search_after"] = list(after)
        found = await self._search(tenant, body)
        candidates = [_candidate(hit, hit["_score"]) for hit in found]
        return RankedPage(candidates, found[-1]["sort"] if len(found) == size else None)

    async def matching(self, tenant: str, must: Clauses, limit: int) -> list[str] | None:
        """The ids of the records of which all clauses hold; None where they are more than `limit`."""
        query = {"bool": {"filter": list(must)}}
        # Counting stops behind the limit, and costs nothing beside reading thousands of ids for naught.
        counted = await self._answer(tenant, {"size": 0, "track_total_hits": limit + 1, "query": query})
        if counted["hits"]["total"]["value"] > limit:
            return None
        body = {"size": limit, "track_total_hits": False, "query": query, "sort": ["_doc"], "_source": False}
        return [hit["_id"] for hit in await self._search(tenant, body)]

    async def kept(self, tenant: str, record_ids: Sequence[str], must: Clauses) -> set[str]:
        """Those of the records that are there, and of which all clauses hold."""
        if not record_ids:
            return set()
        body = {
            "size": len(record_ids),
            "track_total_hits": False,
            "query": {"bool": {"filter": [{"ids": {"values": list(record_ids)}}, *must]}},
            "sort": ["_doc"],
            "_source": False,
        }
        return {hit["_id"] for hit in await self._search(tenant, body)}

    async def shown(
        self, tenant: str, record_ids: Sequence[str], matched: Mapping[str, Any] | None, traced: Clauses = ()
    ) -> dict[str, Shown]:
        """The records that are there, whole, with passages of what matched the clause, and which of the traced did."""
        if not record_ids:
            return {}
        highlight = HIGHLIGHT if matched is None else HIGHLIGHT | {"highlight_query": matched}
        body = {
            "size": len(record_ids),
            "track_total_hits": False,
            "query": {"bool": {"filter": [{"ids": {"values": list(record_ids)}}], "should": list(traced)}},
            "sort": ["_doc"],
            "_source": {"excludes": ["sparse"]},
            "highlight": highlight,
        }
        return {hit["_id"]: _shown(hit) for hit in await self._search(tenant, body)}

    async def counted(
        self, tenant: str, clause: Mapping[str, Any], must: Clauses, facets: Sequence[Facet]
    ) -> dict[Facet, list[FacetCount]]:
        """How many of the records that match a clause have which values of these fields."""
        body = {
            "size": 0,
            "track_total_hits": False,
            "query": {"bool": {"must": [clause], "filter": list(must)}},
            "aggs": count_aggregations(facets),
        }
        return read_counts(await self._answer(tenant, body))

    async def liked(self, tenant: str, id_: str) -> Liked:
        """What others are to be like: a record, a chunk or a document, whichever has this id.

        Raises:
            NotFound: nothing has it.
        """
        given = [hit["_source"] for hit in await self._search(tenant, given_body(id_))]
        if not given:
            raise NotFound(
                f"no chunk and no document of tenant {tenant!r} has the id {id_!r}",
                remedy="Give an id that a search has shown, such as ctgov:NCT02349698.",
            )
        return liked(given)

    async def _search(self, tenant: str, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self._answer(tenant, body))["hits"]["hits"]
        return found

    async def _answer(self, tenant: str, body: Mapping[str, Any]) -> dict[str, Any]:
        names = TenantNames(tenant)
        try:
            answer = await self._server.call(
                "POST",
                f"/{names.chunks}/_search",
                # Copies of a shard score a little differently; one preference keeps a tenant's arms on one copy.
                params={"preference": names.tenant, "allow_partial_search_results": "false"},
                body=body,
            )
        except IndexMissing as error:
            raise IndexMissing(
                f"tenant {names.tenant!r} has no index: nothing of it was indexed yet, or its index was deleted"
            ) from error
        return whole(answer)


def _candidate(hit: Mapping[str, Any], score: float) -> Candidate:
    fields = hit["fields"]
    return Candidate(
        record_id=hit["_id"],
        document_id=fields["document_id"][0],
        version=fields.get("version", [""])[0],
        vectors=fields.get("vectors", [False])[0],
        score=score,
        clauses=frozenset(hit.get("matched_queries", ())),
    )


def _shown(hit: Mapping[str, Any]) -> Shown:
    return Shown(
        chunk_of(hit),
        snippets(hit),
        frozenset(hit.get("matched_queries", ())),
        hit["_source"].get(NAMED, ()),
        hit["_source"].get(ENTITIES, ()),
    )
