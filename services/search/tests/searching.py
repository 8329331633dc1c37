"""A search service over fakes."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from medkg_contracts.errors import MedkgError
from medkg_search.fusion import NAMED
from medkg_search.haystack import Document
from medkg_search.hybrid import Arm
from medkg_search_service.asking import Arms
from medkg_search_service.hybrid import HybridSearch, Reranking
from medkg_search_service.rerank import Reranker
from medkg_search_service.retriever import ArmQuery
from medkg_search_service.vocabularies import Vocabularies
from medkg_vocabulary import Vocabulary

from .fakes import FakeIndex

TIMEOUT_S = 0.1


class FakeArm:
    """An arm that finds these records, some of which the query names, or fails."""

    def __init__(
        self,
        found: Sequence[str] = (),
        error: Exception | None = None,
        failures: Sequence[MedkgError] = (),
        named: Sequence[str] = (),
    ) -> None:
        self.found = found
        self.error = error
        self.failures = failures
        self.named = named
        self.queries: list[ArmQuery] = []
        self.hangs = False
        self.meets: asyncio.Barrier | None = None

    async def run_async(self, query: ArmQuery, top_k: int) -> dict[str, Any]:
        """The records, the first the best."""
        self.queries.append(query)
        if self.hangs:
            await asyncio.Event().wait()
        if self.meets is not None:
            await self.meets.wait()
        if self.error is not None:
            raise self.error
        documents = [
            Document(id=each, score=1 / (place + 1), meta={NAMED: each in self.named})
            for place, each in enumerate(self.found[:top_k])
        ]
        return {"documents": documents, "failures": list(self.failures)}


def search_over(
    index: FakeIndex,
    arms: Mapping[Arm, FakeArm],
    reranker: Reranker | None = None,
    vocabularies: Sequence[Vocabulary] = (),
) -> HybridSearch:
    """Searches that ask these arms, all of one weight, and show records of this index."""
    known = Vocabularies(lambda: vocabularies)
    reranking = None if reranker is None else Reranking(reranker, 3, TIMEOUT_S)
    return HybridSearch(Arms(arms, dict.fromkeys(arms, 1.0), 100, TIMEOUT_S), index, known, reranking, TIMEOUT_S)
