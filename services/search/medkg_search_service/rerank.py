"""A second look at the best hits by a cross-encoder, over vLLM's ``/rerank``."""

from collections.abc import Sequence
from typing import Annotated

import httpx
from medkg_contracts.errors import SearchUnavailable
from medkg_contracts.model import first_violation
from pydantic import BaseModel, Field, ValidationError


class _Scored(BaseModel):
    index: Annotated[int, Field(ge=0)]
    relevance_score: Annotated[float, Field(allow_inf_nan=False)]


class _Answer(BaseModel):
    results: list[_Scored]


class Reranker:
    """A reranking model behind an endpoint.

    Args:
        http: the pool of connections.
        url: of the server, such as ``http://reranker:8000``; vLLM answers at ``/rerank`` below it.
        model: as the server calls it.
    """

    def __init__(self, http: httpx.AsyncClient, url: str, model: str) -> None:
        self._http = http
        self._url = f"{url.rstrip('/')}/rerank"
        self._model = model

    async def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        """How relevant each text is, in the texts' order.

        Raises:
            SearchUnavailable: the server does not answer, or not with a score for each.
        """
        asked = {"model": self._model, "query": query, "documents": list(texts), "top_n": len(texts)}
        try:
            answer = await self._http.post(self._url, json=asked)
        except httpx.HTTPError as error:
            raise self._unavailable(str(error) or type(error).__name__) from error
        if answer.status_code != httpx.codes.OK:
            raise self._unavailable(f"status {answer.status_code}: {answer.text[:300]}")
        try:
            results = _Answer.model_validate_json(answer.content).results
        except ValidationError as error:
            raise self._unavailable(first_violation(error)) from error
        scores = {each.index: each.relevance_score for each in results}
        if set(scores) != set(range(len(texts))):
            raise self._unavailable(f"{len(scores)} scores for {len(texts)} texts")
        return [scores[index] for index in range(len(texts))]

    def _unavailable(self, why: str) -> SearchUnavailable:
        return SearchUnavailable(
            f"the reranker at {self._url}: {why}",
            remedy="See whether the server that MK_SEARCH_RERANK_URL names runs and serves MK_SEARCH_RERANK_MODEL.",
        )
