"""Asks the search service all that an evaluation wants to know."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from medkg_search.hybrid import Arm

from .collection import BeirCollection, Judgments
from .rankings import Ranking, by_arms
from .retrieval import Answers, ask_all
from .search_service import Ask, SearchArms, present_weights, wait_until_seen
from .splits import Sides
from .tuning import Tuning, tune
from .watching import Watch

#: What all arms together are called, and what a reranker makes of them.
FUSION: Final = "fusion"
RERANKED: Final = "reranked"


class Asking:
    """Asks the search service a collection's queries.

    Args:
        collection: whose corpus the tenant's index has.
        ask: the service.
        tenant: whose documents they are.
        concurrency: so many queries are asked at a time.
        watch: is told how far it is.
    """

    def __init__(self, collection: BeirCollection, ask: Ask, tenant: str, concurrency: int, watch: Watch) -> None:
        self._collection = collection
        self._ask = ask
        self._tenant = tenant
        self._concurrency = concurrency
        self._watch = watch
        self._weights: Mapping[Arm, float] = {}

    async def prepare(self) -> None:
        """Learn which arms there are, and wait until the service sees all that was indexed."""
        first = next(iter(self._collection.queries.values()))
        self._weights = await present_weights(self._ask, self._tenant, first)
        # An arm that searches by words finds every document, and only those that the other arms have, too.
        arm = next((arm for arm in (Arm.BM25, Arm.SPLADE) if arm in self._weights), Arm.DENSE)
        await wait_until_seen(self._ask, self._tenant, self._collection, arm)

    async def all_arms(self, judgments: Judgments) -> dict[str, Answers]:
        """What each arm finds, and all of them together; where there is a reranker, also what it makes of that."""
        answers = {
            arm.value: _by_arms(await self._answers(arm.value, (arm,), judgments)) for arm in sorted(self._weights)
        }
        together = await self._answers(FUSION, None, judgments)
        answers[FUSION] = _by_arms(together)
        if any(found.reranked for ranking in together.rankings.values() for found in ranking):
            answers[RERANKED] = together
        return answers

    async def tune(self, sides: Sides, answers: Mapping[str, Answers]) -> Tuning:
        """Weights of the fusion, before any reranker; what an arm has found already is not asked again."""
        from .fusing import fused_records  # noqa: PLC0415 - Haystack takes a while to import, and only tuning needs it

        found: dict[str, Mapping[str, Ranking]] = {}
        for arm in sorted(self._weights):
            known = answers[arm.value].rankings
            missing = {query: judged for query, judged in sides.training.items() if query not in known}
            more = _by_arms(await self._answers(arm.value, (arm,), missing)) if missing else None
            found[arm.value] = {**known, **(more.rankings if more else {})}
        present = {arm.value: weight for arm, weight in self._weights.items()}
        tried = partial(self._watch.asked, "weights", total=None)
        return await asyncio.to_thread(tune, found, sides, present, fused_records, tried)

    async def _answers(self, name: str, arms: tuple[Arm, ...] | None, judgments: Judgments) -> Answers:
        queries = {query: self._collection.queries[query] for query in judgments}
        retriever = SearchArms(self._ask, self._tenant, arms)
        return await ask_all(
            retriever, queries, self._concurrency, partial(self._watch.asked, name, total=len(queries))
        )


def _by_arms(answers: Answers) -> Answers:
    return replace(answers, rankings={query: by_arms(ranking) for query, ranking in answers.rankings.items()})
