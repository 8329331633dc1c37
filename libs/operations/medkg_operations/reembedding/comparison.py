"""Compares what searches find by one model with what they find by another, before they are switched."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from statistics import fmean
from time import monotonic
from typing import Final

from medkg_contracts.errors import SearchUnavailable
from medkg_contracts.model import Contract
from medkg_contracts.vectors import EmbeddingModel
from medkg_search.hybrid import Arm, HybridRequest
from scipy.stats import kendalltau

from medkg_operations.evaluation.collection import Judgments
from medkg_operations.evaluation.measures import DEPTH, MAIN, means, per_query
from medkg_operations.evaluation.rankings import best_documents
from medkg_operations.evaluation.retrieval import ask_all
from medkg_operations.evaluation.search_service import Ask, SearchArms, whole

from .progress import Watch
from .queries import QuerySet

#: Documents at the top of which is counted how many both have.
TOP: Final = 10
#: Queries that are asked at a time.
CONCURRENCY: Final = 4
#: Seconds that search nodes may take to read what was filled, and between two looks.
SEEN_WITHIN_S: Final = 60.0
LOOK_S: Final = 0.5


class Comparison(Contract):
    """How alike the documents are that searches find by two models, by dense vectors alone, and how good.

    Attributes:
        queries: that were asked.
        overlap: the share of the first 10 that both have, from 0 to 1; the mean over all queries.
        correlation: Kendall's tau of the order of those that both have among the first 100, from -1 to 1; None where no
            query has two of them.
        ndcg_live: nDCG@10 by the model that searches use; None without judgments.
        ndcg_beside: nDCG@10 by the other one.
    """

    queries: int
    overlap: float
    correlation: float | None
    ndcg_live: float | None = None
    ndcg_beside: float | None = None


async def compare(
    ask: Ask, tenant: str, models: tuple[EmbeddingModel, EmbeddingModel], wanted: QuerySet, watch: Watch
) -> Comparison:
    """Ask all queries by both models.

    Args:
        ask: the search service.
        tenant: whose documents.
        models: the one that searches use, and the one beside it.
        wanted: the queries.
        watch: is told how far it is.

    Raises:
        SearchUnavailable: the service does not answer, or not by one of the models.
    """
    await wait_until_searched(ask, tenant, models[1])
    found: list[dict[str, list[str]]] = []
    for number, model in enumerate(models):
        begun = number * len(wanted.queries)
        asked = partial(_told, watch, begun, len(models) * len(wanted.queries))
        answers = await ask_all(SearchArms(ask, tenant, (Arm.DENSE,), model.name), wanted.queries, CONCURRENCY, asked)
        found.append({query: best_documents(ranking, DEPTH) for query, ranking in answers.rankings.items()})
    live, beside = found
    return compared(live, beside, wanted)


async def wait_until_searched(
    ask: Ask, tenant: str, model: EmbeddingModel, within_s: float = SEEN_WITHIN_S, look_s: float = LOOK_S
) -> None:
    """Wait until the search service answers by the vectors of this model.

    Raises:
        SearchUnavailable: it does not, in time.
        MedkgError: it never will; the remedy says what to do.
    """
    deadline = monotonic() + within_s
    request = HybridRequest(tenant=tenant, query="ready", size=1, arms=(Arm.DENSE,), model=model.name)
    while True:
        try:
            whole(await ask(request))
        except SearchUnavailable:
            if monotonic() > deadline:
                raise
        else:
            return
        await asyncio.sleep(look_s)


def compared(live: Mapping[str, Sequence[str]], beside: Mapping[str, Sequence[str]], wanted: QuerySet) -> Comparison:
    """The comparison of what was found, by query, best first. Pure."""
    taus = [tau for query in wanted.queries if (tau := _correlation(live[query], beside[query])) is not None]
    overlap = fmean(_overlap(live[query], beside[query]) for query in wanted.queries)
    judged = [_ndcg(each, wanted.judgments) for each in (live, beside)]
    return Comparison(
        queries=len(wanted.queries),
        overlap=overlap,
        correlation=fmean(taus) if taus else None,
        ndcg_live=judged[0],
        ndcg_beside=judged[1],
    )


def _ndcg(found: Mapping[str, Sequence[str]], judgments: Judgments) -> float | None:
    return means(per_query(found, judgments, (MAIN,)))[MAIN] if judgments else None


def _overlap(one: Sequence[str], other: Sequence[str]) -> float:
    """The share of the first ten that both have; 1 where neither has any."""
    most = max(len(one[:TOP]), len(other[:TOP]))
    return len(set(one[:TOP]) & set(other[:TOP])) / most if most else 1.0


def _correlation(one: Sequence[str], other: Sequence[str]) -> float | None:
    ranks = {document: rank for rank, document in enumerate(other)}
    places = [ranks[document] for document in one if document in ranks]
    return float(kendalltau(range(len(places)), places).statistic) if len(places) > 1 else None


def _told(watch: Watch, begun: int, total: int, done: int) -> None:
    watch.comparing(begun + done, total)
