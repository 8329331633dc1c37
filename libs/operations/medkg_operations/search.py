"""Asks the search service."""

from collections.abc import Mapping, Sequence
from typing import Final, Self, TypeVar

import httpx
from medkg_contracts.errors import (
    ConfigurationError,
    GraphUnavailable,
    IndexMissing,
    IndexUnavailable,
    InvalidRequest,
    MedkgError,
    NotFound,
    SearchUnavailable,
    StageBug,
    Unfinished,
)
from medkg_contracts.model import Contract
from medkg_search.hybrid import (
    SEARCH_PATH,
    SIMILAR_PATH,
    TENANT_HEADER,
    HybridPage,
    HybridRequest,
    Refusal,
    SimilarRequest,
)
from pydantic import ValidationError

ContractT = TypeVar("ContractT", bound=Contract)
#: What stands in an address behind its path.
Asked = Mapping[str, str | int | Sequence[str] | None]

#: Seconds that an answer may take; the service gives up before.
TIMEOUT_S: Final = 30.0

#: What the service refuses with, by the code.
_REFUSALS: Final[dict[str, type[MedkgError]]] = {
    kind.code: kind
    for kind in (
        InvalidRequest,
        IndexMissing,
        NotFound,
        IndexUnavailable,
        GraphUnavailable,
        SearchUnavailable,
        Unfinished,
        ConfigurationError,
        StageBug,
    )
}


class SearchClient:
    """Connections to a search service, as long as the context lasts.

    Args:
        url: the service's.
        transport: how it is reached; None for TCP.
    """

    def __init__(self, url: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._url = url
        self._transport = transport

    async def __aenter__(self) -> Self:
        """Make ready to ask.

        Raises:
            SearchUnavailable: the address is none.
        """
        try:
            self._http = httpx.AsyncClient(base_url=self._url, timeout=TIMEOUT_S, transport=self._transport)
        except httpx.InvalidURL as error:
            raise _unavailable(self._url, str(error)) from error
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def search(self, request: HybridRequest) -> HybridPage:
        """A page of hits; the request has a tenant.

        Raises:
            InvalidRequest: something of the search breaks its rule.
            IndexMissing: the tenant has no index.
            SearchUnavailable: the service does not answer, or no arm of it does.
            MedkgError: whatever else the service answers.
        """
        return await self._post(SEARCH_PATH, request, HybridPage)

    async def similar(self, request: SimilarRequest) -> HybridPage:
        """A page of what is like a chunk or a document; the request has a tenant.

        Raises:
            NotFound: nothing of the tenant has this id.
            MedkgError: as of `search`.
        """
        return await self._post(SIMILAR_PATH, request, HybridPage)

    async def get(self, path: str, kind: type[ContractT], tenant: str, asked: Asked | None = None) -> ContractT:
        """What the service answers at a path about this tenant; what is None is not asked.

        Raises:
            MedkgError: whatever the service refuses with.
        """
        said = {name: value for name, value in (asked or {}).items() if value is not None}
        request = self._http.build_request("GET", path, params=said, headers={TENANT_HEADER: tenant})
        return await self._answer(request, kind)

    async def _post(self, path: str, request: Contract, kind: type[ContractT]) -> ContractT:
        body = request.model_dump(mode="json", exclude_none=True)
        return await self._answer(self._http.build_request("POST", path, json=body), kind)

    async def _answer(self, request: httpx.Request, kind: type[ContractT]) -> ContractT:
        try:
            answer = await self._http.send(request)
        except httpx.HTTPError as error:
            raise _unavailable(self._url, str(error) or type(error).__name__) from error
        try:
            if answer.status_code != httpx.codes.OK:
                raise _error(Refusal.model_validate_json(answer.content))
            return kind.model_validate_json(answer.content)
        except ValidationError as error:
            why = f"status {answer.status_code} with an answer that is none of medkg's"
            raise _unavailable(self._url, why) from error


async def search(url: str, request: HybridRequest | SimilarRequest) -> HybridPage:
    """A page of hits, by a connection of its own; see `SearchClient`."""
    async with SearchClient(url) as client:
        return await (client.search(request) if isinstance(request, HybridRequest) else client.similar(request))


def _error(refusal: Refusal) -> MedkgError:
    kind = _REFUSALS.get(refusal.error.code, SearchUnavailable)
    return kind(refusal.error.message, remedy=refusal.error.remedy)


def _unavailable(url: str, why: str) -> SearchUnavailable:
    return SearchUnavailable(
        f"no search service answers at {url}: {why}",
        remedy="Start it (`medkg up` starts all services of this machine), or set MK_SEARCH_URL to where it answers.",
    )
