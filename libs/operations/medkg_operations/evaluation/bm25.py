"""The arm that searches by words, asked of the index itself."""

from typing import Final

from medkg_search import ChunkSearch
from medkg_search.query import MAX_SIZE

from .indexing import SOURCE
from .measures import DEPTH
from .rankings import Found, Ranking

#: Pages that are read until there are enough documents: one with many good chunks fills a page by itself.
MOST_PAGES: Final = 10


class Bm25:
    """BM25 over a tenant's chunks.

    Args:
        search: of the index.
        tenant: whose documents they are.
    """

    def __init__(self, search: ChunkSearch, tenant: str) -> None:
        self._search = search
        self._tenant = tenant

    async def ranking(self, query: str) -> Ranking:
        """What it finds, best first.

        Raises:
            IndexMissing: the tenant has no index.
            IndexUnavailable: OpenSearch did not answer.
        """
        found: list[Found] = []
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            page = await self._search.search(query, self._tenant, size=MAX_SIZE, cursor=cursor)
            found += (Found(hit.chunk.id, hit.chunk.document_id.removeprefix(f"{SOURCE}:")) for hit in page.hits)
            cursor = page.cursor
            if cursor is None or len({hit.document for hit in found}) >= DEPTH:
                break
        return found
