"""Searches a tenant's chunks."""

from medkg_contracts.errors import InvalidRequest

from .cursor import Cursor
from .names import TenantNames
from .query import SearchFilters, count_body, search_body, search_digest
from .results import SearchPage, read_page
from .server import SearchServer

#: A tenant that has indexed nothing has no index yet: it finds nothing, which is no error.
_MISSING_IS_EMPTY = {"ignore_unavailable": "true", "allow_no_indices": "true"}

NO_FILTERS = SearchFilters()


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
            IndexUnavailable: OpenSearch did not answer.
        """
        names = TenantNames(tenant)
        search = search_digest(names.tenant, query, filters)
        after = None if cursor is None else Cursor.decode(cursor, search)
        answer = await self._server.call(
            "POST",
            f"/{names.chunks}/_search",
            # Copies of a shard score a little differently; one preference keeps all pages on one copy.
            params={**_MISSING_IS_EMPTY, "preference": search, "allow_partial_search_results": "false"},
            body=search_body(query, filters, size, after),
            accept=(400,),
        )
        if "error" in answer:
            raise InvalidRequest(f"OpenSearch refused the query: {answer['error']['reason']}")
        return read_page(answer, size, search)

    async def count(self, tenant: str, filters: SearchFilters = NO_FILTERS) -> int:
        """How many chunks there are.

        Raises:
            InvalidRequest: the tenant's id breaks its rule.
            IndexUnavailable: OpenSearch did not answer.
        """
        names = TenantNames(tenant)
        answer = await self._server.call(
            "POST", f"/{names.chunks}/_count", params=_MISSING_IS_EMPTY, body=count_body(filters)
        )
        count: int = answer["count"]
        return count
