"""Searches over all arms: begun once, reranked where that is set, cut into pages, counted by facets."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, Final

from medkg_contracts.errors import MedkgError
from medkg_contracts.ids import digest
from medkg_search.arms import bm25_clause
from medkg_search.expansion import Expanded, expansion_matches, tracing_clauses
from medkg_search.fusion import Fused
from medkg_search.hybrid import (
    Arm,
    Asked,
    Facet,
    FacetCount,
    HybridHit,
    HybridPage,
    HybridRequest,
    PartialFailure,
    Place,
    SimilarRequest,
)
from medkg_search.similar import others
from medkg_search.syntax import SearchQuery, parse_query
from prometheus_client import Histogram

from .asking import Arms, Ranking, lacking, within
from .cursor import Remainder
from .records import Clauses, Records, Shown
from .rerank import Reranker
from .retriever import ArmQuery
from .vocabularies import Vocabularies

_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SECONDS: Final = Histogram("medkg_search_seconds", "What a part of a search took", ["part"], buckets=_BUCKETS)

#: What answers call the other parts, beside the arms.
_RERANK: Final = "rerank"
_FACETS: Final = "facets"
_WHOLE: Final = "search"


@dataclass(frozen=True, slots=True)
class Reranking:
    """A second look at the best hits.

    Attributes:
        reranker: takes it.
        hits: how many it looks at.
        timeout_s: seconds that it may take.
    """

    reranker: Reranker
    hits: int
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Matching:
    """What passages of hits are shown for.

    Attributes:
        clause: of the words that they match; None for a search without words.
        expanded: by what else they may be found.
    """

    clause: Mapping[str, Any] | None
    expanded: Sequence[Expanded] = ()


class HybridSearch:
    """Searches.

    Both methods raise:
        InvalidRequest: something of the request breaks its rule.
        IndexMissing: the tenant has no index.
        SearchUnavailable: no arm has answered.
        IndexUnavailable: the hits cannot be shown: OpenSearch does not answer any more.

    Args:
        arms: that are asked.
        records: of the index, to show hits and count them.
        vocabularies: know the names of entities.
        reranking: of the best hits; None for none.
        counting_s: seconds that facets may take.
    """

    def __init__(
        self,
        arms: Arms,
        records: Records,
        vocabularies: Vocabularies,
        reranking: Reranking | None,
        counting_s: float,
    ) -> None:
        self._arms = arms
        self._records = records
        self._vocabularies = vocabularies
        self._reranking = reranking
        self._counting_s = counting_s

    async def search(self, request: HybridRequest, tenant: str) -> HybridPage:
        """A page of what the query says."""
        query = parse_query(request.query)
        entities = (*request.filters.entity, *query.entities)
        meanings = await self._vocabularies.meanings(entities, request.expand)
        expanded = await self._vocabularies.expanded(query.text, request.expand)
        must = [*request.filters.clauses(meanings), *query.clauses(meanings)]
        matched = bm25_clause(query, expanded)

        async def wanted() -> ArmQuery:
            return ArmQuery(tenant, query, must, model=request.model, expanded=expanded)

        what = request.query if request.model is None else f"{request.query}\0{request.model}"
        if request.expand:
            what += f"\0\0{','.join(request.expand)}"
        page = self._page(request, tenant, what, wanted, Matching(matched, expanded))
        if not request.facets:
            return await page
        answer, counted = await asyncio.gather(page, self._counted(tenant, matched, must, request.facets))
        facets, failures = counted
        return answer.model_copy(update={"facets": facets, "partial": [*answer.partial, *failures]})

    async def similar(self, request: SimilarRequest, tenant: str) -> HybridPage:
        """A page of what is like a chunk or a document, of other documents.

        Raises:
            NotFound: the tenant has no such chunk or document.
        """

        async def wanted() -> ArmQuery:
            like = await self._records.liked(tenant, request.like)
            meanings = await self._vocabularies.meanings(request.filters.entity, ())
            return ArmQuery(tenant, SearchQuery(""), [*request.filters.clauses(meanings), others(like)], like)

        return await self._page(request, tenant, request.like, wanted, Matching(None))

    async def _page(
        self,
        asked: Asked,
        tenant: str,
        what: str,
        wanted: Callable[[], Awaitable[ArmQuery]],
        matching: Matching,
    ) -> HybridPage:
        """The next page: of a search that begins, or of one that the cursor continues."""
        began = perf_counter()
        arms = self._arms.chosen(asked.arms)
        search = digest(tenant, type(asked).__name__, what, asked.filters.model_dump_json(), *arms)[:16]
        took: dict[str, float] = {}
        if asked.cursor is None:
            left = await self._begun(await wanted(), arms, search, took)
        else:
            left = Remainder.decode(asked.cursor, search)
        page = await self._shown(left, tenant, asked.size, matching)
        took[_WHOLE] = perf_counter() - began
        for part, seconds in took.items():
            _SECONDS.labels(part).observe(seconds)
        told = {
            "took_ms": {part: round(s * 1000, 3) for part, s in took.items()},
            "weights": self._arms.weights_of(arms),
            "expansions": [each.told for each in matching.expanded],
        }
        return page.model_copy(update=told)

    async def _begun(self, query: ArmQuery, arms: list[Arm], search: str, took: dict[str, float]) -> Remainder:
        """The whole search, of which nothing is shown yet."""
        ranking = await self._arms.ask(query, arms)
        took |= ranking.took
        if self._reranking is not None and ranking.hits:
            began = perf_counter()
            ranking = await self._reranked(self._reranking, ranking, query)
            took[_RERANK] = perf_counter() - began
        return Remainder(search, 0, len(ranking.hits), ranking.partial, ranking.hits)

    async def _reranked(self, reranking: Reranking, ranking: Ranking, query: ArmQuery) -> Ranking:
        """The hits, the first of them in the reranker's order; as they were, and why, if it fails."""
        first = {hit.record_id: hit for hit in ranking.hits[: reranking.hits]}
        asked = query.query.words if query.like is None else query.like.text

        async def scored() -> dict[str, float]:
            shown = await self._records.shown(query.tenant, list(first), None)
            known = [record for record in first if record in shown]
            scores = await reranking.reranker.scores(asked, [shown[record].chunk.text for record in known])
            return dict(zip(known, scores, strict=True))

        scores = await within(reranking.timeout_s, "the reranker", scored)
        if isinstance(scores, MedkgError):
            return replace(ranking, partial=[*ranking.partial, lacking(_RERANK, scores)])
        order = sorted(scores, key=lambda record: (not first[record].named, -scores[record], record))
        best = [
            replace(first[record], rerank=Place(rank=rank, score=scores[record]))
            for rank, record in enumerate(order, 1)
        ]
        return replace(ranking, hits=best + [hit for hit in ranking.hits if hit.record_id not in scores])

    async def _shown(self, left: Remainder, tenant: str, size: int, matching: Matching) -> HybridPage:
        """The next hits; one whose record is gone meanwhile is passed over."""
        hits: list[HybridHit] = []
        traced = tracing_clauses(matching.expanded)
        at = 0
        while len(hits) < size and at < len(left.hits):
            batch = left.hits[at : at + size - len(hits)]
            shown = await self._records.shown(tenant, [hit.record_id for hit in batch], matching.clause, traced)
            for number, hit in enumerate(batch, left.shown + at + 1):
                if hit.record_id in shown:
                    hits.append(_hit(number, hit, shown[hit.record_id], matching.expanded))
            at += len(batch)
        rest = replace(left, shown=left.shown + at, hits=left.hits[at:])
        cursor = rest.encode() if rest.hits else None
        return HybridPage(hits=hits, total=left.total, cursor=cursor, partial=list(left.partial), took_ms={})

    async def _counted(
        self, tenant: str, matched: Mapping[str, Any], must: Clauses, facets: tuple[Facet, ...]
    ) -> tuple[dict[Facet, list[FacetCount]], list[PartialFailure]]:
        """The counts, or why there are none."""

        async def counted() -> dict[Facet, list[FacetCount]]:
            counts = await self._records.counted(tenant, matched, must, facets)
            if entities := counts.get(Facet.ENTITY):
                labels = await self._vocabularies.labels([each.value for each in entities])
                named = [each.model_copy(update={"name": labels.get(each.value)}) for each in entities]
                counts[Facet.ENTITY] = named
            return counts

        counts = await within(self._counting_s, "OpenSearch", counted)
        return ({}, [lacking(_FACETS, counts)]) if isinstance(counts, MedkgError) else (counts, [])


def _hit(rank: int, hit: Fused, shown: Shown, expanded: Sequence[Expanded]) -> HybridHit:
    return HybridHit(
        rank=rank,
        record_id=hit.record_id,
        chunk=shown.chunk,
        score=round(hit.score, 6),
        arms={arm: Place(rank=place.rank, score=round(place.score, 6)) for arm, place in hit.arms.items()},
        named=hit.named,
        rerank=hit.rerank,
        snippets=shown.snippets,
        expanded=expansion_matches(expanded, shown.traced, shown.named, shown.entities),
    )
