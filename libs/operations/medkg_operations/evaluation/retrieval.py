"""Asks a search all queries of a collection, a few at a time, and measures how long each takes."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from time import perf_counter
from typing import Final, Protocol

from medkg_contracts.model import Contract

from medkg_operations.progress import percentile

from .rankings import Ranking

#: Queries that are asked before any is measured: connections are opened then, and models wake up.
WARM_UP: Final = 5

#: Is told how many queries have been answered.
Answered = Callable[[int], None]


class Retriever(Protocol):
    """A search: one arm, or all of them fused."""

    async def ranking(self, query: str) -> Ranking:
        """What it finds, best first, until there are `measures.DEPTH` documents or nothing more.

        Raises:
            ResourceUnavailable: it does not answer, or not with all that there is.
        """
        ...


class Speed(Contract):
    """How fast queries were answered.

    Attributes:
        concurrency: so many were asked at a time.
        per_second: queries a second in all.
        p50_ms: milliseconds that half of them took at most.
        p95_ms: milliseconds that 95 % of them took at most.
    """

    concurrency: int
    per_second: float
    p50_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True)
class Answers:
    """What a search found, by query, and how fast."""

    rankings: Mapping[str, Ranking]
    speed: Speed


async def ask_all(retriever: Retriever, queries: Mapping[str, str], concurrency: int, answered: Answered) -> Answers:
    """Ask all queries, at most so many at a time.

    Raises:
        ResourceUnavailable: the search does not answer.
    """
    for text in islice(queries.values(), WARM_UP):
        await retriever.ranking(text)
    rankings: dict[str, Ranking] = {}
    milliseconds: list[float] = []

    async def work(rest: Iterator[tuple[str, str]]) -> None:
        for query, text in rest:
            began = perf_counter()
            rankings[query] = await retriever.ranking(text)
            milliseconds.append((perf_counter() - began) * 1000)
            answered(len(milliseconds))

    began, rest = perf_counter(), iter(queries.items())
    workers = [asyncio.create_task(work(rest)) for _ in range(concurrency)]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
    seconds = perf_counter() - began
    speed = Speed(
        concurrency=concurrency,
        per_second=len(milliseconds) / seconds,
        p50_ms=percentile(milliseconds, 0.5) or 0.0,
        p95_ms=percentile(milliseconds, 0.95) or 0.0,
    )
    return Answers(rankings, speed)
