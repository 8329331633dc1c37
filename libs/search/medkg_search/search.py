"""Searches a tenant's chunks."""

from collections.abc import Mapping
from typing import Any

from medkg_contracts.errors import IndexMissing

from .cursor import Cursor
from .filters import SearchFilters
from .names import TenantNames
from .query import count_body, search_body, search_digest
from .results import SearchPage, read_page, whole
from .server import SearchServer

NO_FILTERS = SearchFilters()
#: Part of the hits would look like all of them.
_WHOLE = {"allow_partial_search_results": "false"}


class ChunkSearch:
    """BM25 over text, document title and section title of one tenant's chunks."""

    def __init__(self, server: SearchServer) -> None:
        self._server = server

    async def search(
        self,
        query: str,
        tenant: str,
        filters: SearchFilters = NO_FILTERS,
        size: int = 10,
        cursor: str | None = None,
    ) -> SearchPage:
        """The hits, best first; `cursor` continues where the page that gave it ended.

        Raises:
            InvalidRequest: tenant, query, size or cursor break their rules.
            IndexMissing: the tenant has no index.
            IndexUnavailable: OpenSearch did not answer, or not with all that there is.
            ConfigurationError: OpenSearch refused, or the index holds what is none of ours.
        """
        names = TenantNames(tenant)
        search = search_digest(names.tenant, query, filters)
        after = None if cursor is None else Cursor.decode(cursor, search)
        answer = await self._ask(
            names,
            "_search",
            search_body(query, filters, size, after),
            # Copies of a shard score a little differently; one preference keeps all pages on one copy.
            {"preference": search, **_WHOLE},
        )
        return read_page(answer, size, search)

    async def count(self, tenant: str, filters: SearchFilters = NO_FILTERS) -> int:
        """How many chunks there are.

        Raises:
            InvalidRequest: the tenant's id breaks its rule.
            IndexMissing: the tenant has no index.
            IndexUnavailable: OpenSearch did not answer, or not with all that there is.
        """
        answer = await self._ask(TenantNames(tenant), "_count", count_body(filters), {})
        count: int = answer["count"]
        return count

    async def _ask(
        self, names: TenantNames, what: str, body: Mapping[str, Any], params: Mapping[str, str]
    ) -> dict[str, Any]:
        try:
            return whole(await self._server.call("POST", f"/{names.chunks}/{what}", params=params, body=body))
        except IndexMissing as error:
            raise IndexMissing(
                f"tenant {names.tenant!r} has no index: nothing of it was indexed yet, or its index was deleted"
            ) from error
