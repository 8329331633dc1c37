"""Asks a search all queries of a collection, a few at a time, and measures how long each takes."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from time import perf_counter
from typing import Final, Protocol

from medkg_contracts.errors import MedkgError
from medkg_contracts.model import Contract

from medkg_operations.progress import percentile

from .rankings import Ranking

#: Queries that are asked before any is measured: connections are opened then, and models wake up.
WARM_UP: Final = 5

#: Seconds between tries of a query whose answer did not come, or not wholly.
WAITS_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)

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
        p50_ms: milliseconds that half of them took at most, each in the try that was answered.
        p95_ms: milliseconds that 95 % of them took at most, likewise.
        failed: tries that were not answered, or not wholly.
    """

    concurrency: int
    per_second: float
    p50_ms: float
    p95_ms: float
    failed: int


@dataclass(frozen=True, slots=True)
class Answers:
    """What a search found, by query, and how fast."""

    rankings: Mapping[str, Ranking]
    speed: Speed


async def ask_all(retriever: Retriever, queries: Mapping[str, str], concurrency: int, answered: Answered) -> Answers:
    """Ask all queries, at most so many at a time; one that is not answered is asked a few times more.

    Raises:
        ResourceUnavailable: the search does not answer.
    """
    for text in islice(queries.values(), WARM_UP):
        await _asked(retriever, text)
    rankings: dict[str, Ranking] = {}
    milliseconds: list[float] = []
    failed = 0

    async def work(rest: Iterator[tuple[str, str]]) -> None:
        nonlocal failed
        for query, text in rest:
            rankings[query], took, tries = await _asked(retriever, text)
            milliseconds.append(took)
            failed += tries
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
        failed=failed,
    )
    return Answers(rankings, speed)


async def _asked(retriever: Retriever, text: str) -> tuple[Ranking, float, int]:
    """The answer, the milliseconds that it took, and how many tries before it had none."""
    failed = 0
    while True:
        began = perf_counter()
        try:
            return await retriever.ranking(text), (perf_counter() - began) * 1000, failed
        except MedkgError as error:
            if failed == len(WAITS_S) or not error.retryable:
                raise
        await asyncio.sleep(WAITS_S[failed])
        failed += 1
