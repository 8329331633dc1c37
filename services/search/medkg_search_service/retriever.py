"""The arms: each finds the best records in its own way, as a retriever component of Haystack.

Their clients live in the service's event loop, so that there is `run_async` alone; `run`, which Haystack wants every
component to have, says so.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn, Protocol

import numpy as np
import numpy.typing as npt
from medkg_contracts.errors import MedkgError
from medkg_contracts.vectors import EmbeddingModel
from medkg_search.expansion import Expanded
from medkg_search.fusion import NAMED
from medkg_search.haystack import Document, component
from medkg_search.naming import named_records
from medkg_search.similar import Liked
from medkg_search.syntax import SearchQuery

from .candidate import Candidate, to_decide
from .nearest import MOST_AMONG, MOST_NEAREST, NearestQuestion
from .records import Clauses, Records
from .shards import Shards

#: Pages that an arm over terms reads until it has enough records that count.
_MOST_PAGES: Final = 5
#: How much deeper the dense arm looks each time that filters have left too few.
_DEEPER: Final = 4


#: What matches and scores for a query, as a clause of OpenSearch; None where nothing can match.
Clause = Callable[["ArmQuery"], Awaitable[Mapping[str, Any] | None]]


@dataclass(frozen=True, slots=True)
class ArmQuery:
    """What an arm looks for.

    Attributes:
        query: what is looked for; without words if it is something that others are to be like.
        like: what that is.
        must: clauses that hold of every hit, whichever arm has found it: filters, phrases, exclusions.
        expanded: what else the arm of words looks for.
        model: the name of the model by whose vectors is searched; None for the one that the tenant's searches use.
    """

    tenant: str
    query: SearchQuery
    must: Clauses
    like: Liked | None = None
    model: str | None = None
    expanded: Sequence[Expanded] = ()


class VectorEncoder(Protocol):
    """Turns texts into vectors by a tenant's model.

    Encoding raises:
        ConfigurationError: there is no such model here.
        ResourceUnavailable: who computes it does not answer.
    """

    async def keep_open(self, models: Callable[[], Iterable[EmbeddingModel]]) -> None:
        """Open what these models need before a search has to wait for it; may never end."""
        ...

    async def encode_query(self, model: EmbeddingModel, text: str) -> npt.NDArray[np.float32]:
        """The vector of a query."""
        ...

    async def encode_passage(self, model: EmbeddingModel, text: str) -> npt.NDArray[np.float32]:
        """The vector of a text that was indexed."""
        ...


def _only_async() -> NoReturn:
    raise TypeError("this retriever answers asynchronously only: await run_async")


@component
class TermRetriever:
    """Finds records by a clause of OpenSearch; those of BM25 and of SPLADE are such.

    Args:
        records: of the index.
        shards: say which version of a document is to be seen.
        clause: what matches and scores.
    """

    def __init__(
        self,
        records: Records,
        shards: Shards,
        clause: Clause,
    ) -> None:
        self._records = records
        self._shards = shards
        self._clause = clause

    @component.output_types(documents=list[Document], failures=list[MedkgError])
    def run(self, query: ArmQuery, top_k: int) -> dict[str, Any]:  # noqa: ARG002 - as run_async
        """Refuses.

        Raises:
            TypeError: always.
        """
        _only_async()

    @component.output_types(documents=list[Document], failures=list[MedkgError])
    async def run_async(self, query: ArmQuery, top_k: int) -> dict[str, Any]:
        """The best records that count, and why some that matched could not be judged."""
        clause = await self._clause(query)
        found: list[Candidate] = []
        failures: list[MedkgError] = []
        after: Sequence[Any] | None = None
        for _ in range(_MOST_PAGES if clause is not None else 0):
            page = await self._records.ranked(query.tenant, clause or {}, query.must, top_k, after)
            decided = await self._shards.visible(query.tenant, to_decide(page.candidates))
            failures += decided.missing
            found += filter(decided.visibility.shows, page.candidates)
            after = page.after
            if len(found) >= top_k or after is None:
                break
        named = named_records(found)
        documents = [
            Document(id=each.record_id, score=each.score, meta={NAMED: each.record_id in named})
            for each in found[:top_k]
        ]
        return {"documents": documents, "failures": failures}


@component
class DenseRetriever:
    """Finds the records whose vectors are nearest to the query's.

    The view of the vectors knows no filters, and OpenSearch no vectors. Where few records pass the filters, the exact
    nearest of those are taken; else the nearest of all, ever more of them, until enough pass.

    Args:
        records: of the index; a vector counts only if its record is there.
        shards: the view.
        encoder: of queries and passages.
    """

    def __init__(self, records: Records, shards: Shards, encoder: VectorEncoder) -> None:
        self._records = records
        self._shards = shards
        self._encoder = encoder

    @component.output_types(documents=list[Document], failures=list[MedkgError])
    def run(self, query: ArmQuery, top_k: int) -> dict[str, Any]:  # noqa: ARG002 - as run_async
        """Refuses.

        Raises:
            TypeError: always.
        """
        _only_async()

    @component.output_types(documents=list[Document], failures=list[MedkgError])
    async def run_async(self, query: ArmQuery, top_k: int) -> dict[str, Any]:
        """The nearest records that pass the filters, and why parts of the view are missing."""
        model = self._shards.model(query.tenant, query.model)
        if model is None or not (query.like or query.query.words):
            return {"documents": [], "failures": []}
        if query.like is not None:
            numbers = await self._encoder.encode_passage(model, query.like.text)
        else:
            numbers = await self._encoder.encode_query(model, query.query.words)
        vector = numbers.astype("<f4").tobytes()
        among: tuple[str, ...] | None = None
        if query.must:
            ids = await self._records.matching(query.tenant, query.must, MOST_AMONG)
            among = None if ids is None else tuple(sorted(ids))
        question = NearestQuestion(tenant=query.tenant, model=model, vector=vector, k=top_k, among=among)
        return await self._until_enough(question, query.must, top_k)

    async def _until_enough(self, question: NearestQuestion, must: Clauses, top_k: int) -> dict[str, Any]:
        passed: dict[str, float] = {}
        looked_at: set[str] = set()
        while True:
            nearest = await self._shards.nearest(question)
            fresh = [(record, score) for record, score in nearest.hits if record not in looked_at]
            kept = await self._records.kept(question.tenant, [record for record, _ in fresh], must)
            looked_at.update(record for record, _ in fresh)
            passed.update((record, score) for record, score in fresh if record in kept)
            if len(passed) >= top_k or nearest.exhausted or question.k >= MOST_NEAREST:
                ranked = sorted(passed.items(), key=lambda hit: (-hit[1], hit[0]))[:top_k]
                documents = [Document(id=record, score=score) for record, score in ranked]
                return {"documents": documents, "failures": list(nearest.missing)}
            question = question.model_copy(update={"k": min(question.k * _DEEPER, MOST_NEAREST)})
