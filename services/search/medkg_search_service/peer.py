"""Another search node, asked over HTTP."""

from typing import Final, TypeVar

import httpx
from medkg_contracts.errors import SearchUnavailable
from medkg_contracts.model import Contract
from pydantic import ValidationError

from .nearest import NearestAnswer, NearestQuestion, VisibleAnswer, VisibleQuestion

NEAREST_PATH: Final = "/internal/v1/nearest"
VISIBLE_PATH: Final = "/internal/v1/visible"

AnswerT = TypeVar("AnswerT", bound=Contract)


class Peer:
    """The part of the view that another node has.

    Args:
        http: the pool of connections; its time limits hold.
        url: the node's, such as ``http://search-1:8770``.
    """

    def __init__(self, http: httpx.AsyncClient, url: str) -> None:
        self._http = http
        self._url = url.rstrip("/")

    @property
    def name(self) -> str:
        """The node's address."""
        return self._url

    async def nearest(self, question: NearestQuestion) -> NearestAnswer:
        """The nearest vectors of its part.

        Raises:
            SearchUnavailable: it does not answer, or cannot.
        """
        return await self._ask(NEAREST_PATH, question, NearestAnswer)

    async def visible(self, question: VisibleQuestion) -> VisibleAnswer:
        """The visible versions of its part's documents.

        Raises:
            SearchUnavailable: it does not answer, or cannot.
        """
        return await self._ask(VISIBLE_PATH, question, VisibleAnswer)

    async def _ask(self, path: str, question: Contract, kind: type[AnswerT]) -> AnswerT:
        try:
            answer = await self._http.post(
                self._url + path,
                content=question.model_dump_json(),
                headers={"content-type": "application/json"},
            )
        except httpx.HTTPError as error:
            raise SearchUnavailable(
                f"search node {self._url}: {error or type(error).__name__}",
                remedy="See whether the node runs, and whether MK_SEARCH_PEERS names it right.",
            ) from error
        if answer.status_code != httpx.codes.OK:
            raise SearchUnavailable(f"search node {self._url} answers {answer.status_code}: {answer.text[:300]}")
        try:
            return kind.model_validate_json(answer.content)
        except ValidationError as error:
            raise SearchUnavailable(
                f"search node {self._url} answers what is none of ours",
                remedy="Run the same version of medkg on all search nodes; MK_SEARCH_PEERS has their addresses.",
            ) from error
