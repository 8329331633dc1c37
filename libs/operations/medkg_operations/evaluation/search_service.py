"""The search service as a retriever: one arm of it, or all of them fused."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from time import monotonic
from typing import Final

from medkg_contracts.errors import SearchUnavailable, Unfinished
from medkg_search.filters import SearchFilters
from medkg_search.hybrid import Arm, HybridHit, HybridPage, HybridRequest
from medkg_search.query import MAX_SIZE
from medkg_search.syntax import MAX_QUERY

from .collection import BeirCollection
from .collection_files import Row
from .indexing import SOURCE
from .measures import DEPTH
from .rankings import Found, Ranking

#: Asks the service.
Ask = Callable[[HybridRequest], Awaitable[HybridPage]]

#: Documents that are looked for before queries are asked, to see whether the service has seen all that was indexed.
LOOKED_FOR: Final = 50
#: Seconds that it may take until it has, and between two looks.
SEEN_WITHIN_S: Final = 120.0
LOOK_S: Final = 0.2

#: What the language of queries gives a meaning to, where a word begins.
_QUOTES: Final = re.compile('["\u201c\u201d]')
_MINUS: Final = re.compile(r"(?:(?<=\s)|^)-+(?=[^\W\d_])")
_FIELD: Final = re.compile(r"(?:(?<=\s)|^)([A-Za-z]{2,20}):(?=[^\s:/])")


class SearchArms:
    """A tenant's searches by the service.

    Args:
        ask: the service.
        tenant: whose documents they are.
        arms: which are asked; None for all that the service has.
        model: by whose vectors the dense arm searches; None for the one that the tenant's searches use.
    """

    def __init__(self, ask: Ask, tenant: str, arms: tuple[Arm, ...] | None = None, model: str | None = None) -> None:
        self._ask = ask
        self._tenant = tenant
        self._arms = arms
        self._model = model

    async def ranking(self, query: str) -> Ranking:
        """What it finds, best first: of one arm all that it gives, of several until there are enough documents.

        Where a reranker has looked at it, all is read, so that the order before it is known as well.

        Raises:
            SearchUnavailable: it does not answer, or not with all that there is.
        """
        found: list[Found] = []
        cursor: str | None = None
        while True:
            page = whole(await self._ask(self._request(query, cursor)))
            found += map(_found, page.hits)
            cursor = page.cursor
            is_whole = self._arms is None and not any(hit.reranked for hit in found)
            enough = is_whole and len({hit.document for hit in found}) >= DEPTH
            if cursor is None or enough:
                return found

    def _request(self, query: str, cursor: str | None) -> HybridRequest:
        return HybridRequest(
            tenant=self._tenant,
            query=as_words(query),
            size=MAX_SIZE,
            cursor=cursor,
            arms=self._arms,
            model=self._model,
        )


def as_words(query: str) -> str:
    """The query without what the language of queries gives a meaning to, and no longer than is read.

    A collection's queries are sentences: a word in quotes is no demand in them, nor a dash an exclusion.
    """
    words = _plain(query)
    return words if len(words) <= MAX_QUERY else words[:MAX_QUERY].rpartition(" ")[0] or words[:MAX_QUERY]


def is_cut(query: str) -> bool:
    """Whether the query is longer than a search reads, so that `as_words` leaves out its end."""
    return len(_plain(query)) > MAX_QUERY


def _plain(query: str) -> str:
    words, before = " ".join(_QUOTES.sub(" ", query).split()), ""
    while words != before:  # behind what is taken away may stand more of it
        words, before = " ".join(_FIELD.sub(r"\1: ", _MINUS.sub("", words)).split()), words
    return words


def whole(page: HybridPage) -> HybridPage:
    """The page, which lacks nothing.

    Raises:
        SearchUnavailable: an arm did not answer.
    """
    for failure in page.partial:
        raise SearchUnavailable(
            f"the answer lacks {failure.arm}: [{failure.code}] {failure.message}", remedy=failure.remedy
        )
    return page


async def present_weights(ask: Ask, tenant: str, words: str) -> Mapping[Arm, float]:
    """What the service's arms count in the fusion, those that are on.

    Raises:
        SearchUnavailable: it does not answer.
    """
    page = await ask(HybridRequest(tenant=tenant, query=as_words(words), size=1))
    return page.weights


async def wait_until_seen(ask: Ask, tenant: str, collection: BeirCollection, arm: Arm) -> None:
    """Wait until the service finds what was indexed: a sample of the corpus, each document by its own words.

    Args:
        ask: the service.
        tenant: whose documents they are.
        collection: all of whose rows are indexed.
        arm: that looks for them.

    Raises:
        Unfinished: it does not find one of them in time.
        SearchUnavailable: it does not answer.
    """
    deadline = monotonic() + SEEN_WITHIN_S
    for row in _sample(list(collection.rows.values())):
        request = HybridRequest(
            tenant=tenant,
            query=as_words(collection.words(row)),
            filters=SearchFilters(document_id=(f"{SOURCE}:{row.id}",)),
            size=1,
            arms=(arm,),
        )
        while not (await ask(request)).hits:
            if monotonic() > deadline:
                raise Unfinished(
                    f"{row.id!r:.80} is indexed, but {arm} does not find it after {SEEN_WITHIN_S:g} s",
                    remedy="See whether the search service keeps up with vectors.changelog.v1, and evaluate again.",
                )
            await asyncio.sleep(LOOK_S)


def _sample(rows: Sequence[Row]) -> Sequence[Row]:
    """Some of them, evenly, the last one among them."""
    step = max(1, len(rows) // LOOKED_FOR)
    return rows[::-1][::step][:LOOKED_FOR]


def _found(hit: HybridHit) -> Found:
    document = hit.chunk.document_id.removeprefix(f"{SOURCE}:")
    return Found(hit.record_id, document, hit.score, named=hit.named, reranked=hit.rerank is not None)
