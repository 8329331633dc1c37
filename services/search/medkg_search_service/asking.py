"""Asks the arms at once, each in its time, and makes one ranking of what they find."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final, Protocol

from medkg_contracts.errors import IndexMissing, InvalidInput, InvalidRequest, MedkgError, SearchUnavailable, StageBug
from medkg_search.fusion import Fused, fuse
from medkg_search.haystack import Document
from medkg_search.hybrid import Arm, PartialFailure
from prometheus_client import Counter

from .retriever import ArmQuery

logger = logging.getLogger(__name__)

_FAILED: Final = Counter("medkg_search_partial_total", "Parts that answers lacked", ["part", "code"])


class Retriever(Protocol):
    """An arm."""

    async def run_async(self, query: ArmQuery, top_k: int) -> dict[str, Any]:
        """``documents``, best first, each once, and ``failures``: why there may be fewer than there should be."""
        ...


@dataclass(frozen=True, slots=True)
class Ranking:
    """What all arms have found.

    Attributes:
        hits: best first.
        partial: what is missing.
        took: seconds that each arm took.
    """

    hits: list[Fused]
    partial: list[PartialFailure]
    took: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Found:
    """What an arm came to; no documents if it is down."""

    documents: Sequence[Document]
    failures: Sequence[MedkgError]
    down: bool
    seconds: float


class Arms:
    """The arms that may be asked.

    Args:
        arms: by their names.
        weights: of the arms, above 0.
        depth: hits that each contributes at most.
        timeout_s: seconds that each may take.
    """

    def __init__(
        self, arms: Mapping[Arm, Retriever], weights: Mapping[Arm, float], depth: int, timeout_s: float
    ) -> None:
        self._arms = arms
        self._weights = weights
        self._depth = depth
        self._timeout_s = timeout_s

    def chosen(self, wanted: Sequence[Arm] | None) -> list[Arm]:
        """The arms to ask, in the order of their names: those that are wanted, or all.

        Raises:
            InvalidRequest: an arm is switched off.
        """
        arms = sorted(set(wanted or self._arms))
        if off := [arm for arm in arms if arm not in self._arms]:
            raise InvalidRequest(
                f"the arm {off[0]} is switched off",
                remedy=f"Ask {', '.join(sorted(self._arms))}, or give it a weight above 0 in the service's settings.",
            )
        return arms

    def weights_of(self, arms: Sequence[Arm]) -> dict[Arm, float]:
        """What a rank of each of them counts in the fusion."""
        return {arm: self._weights[arm] for arm in arms}

    async def ask(self, query: ArmQuery, arms: Sequence[Arm]) -> Ranking:
        """What they find, as one ranking.

        Raises:
            InvalidInput: the query breaks a rule.
            IndexMissing: the tenant has no index.
            SearchUnavailable: none of them has answered.
        """
        found = dict(zip(arms, await asyncio.gather(*(self._find(arm, query) for arm in arms)), strict=True))
        failures = [(arm, error) for arm, each in found.items() for error in _once(each.failures)]
        for _, error in failures:
            if isinstance(error, InvalidInput | IndexMissing):  # every arm says it, or would
                raise error
        if all(each.down for each in found.values()):
            raise SearchUnavailable(
                "no arm has answered: " + "; ".join(f"{arm}: {error.code}: {error}" for arm, error in failures),
                remedy=failures[0][1].info.remedy,
            )
        return Ranking(
            fuse({arm: each.documents for arm, each in found.items()}, self.weights_of(arms)),
            [lacking(arm.value, error) for arm, error in failures],
            {arm.value: each.seconds for arm, each in found.items()},
        )

    async def _find(self, arm: Arm, query: ArmQuery) -> _Found:
        began = perf_counter()
        outcome = await within(self._timeout_s, f"the arm {arm}", lambda: self._arms[arm].run_async(query, self._depth))
        seconds = perf_counter() - began
        if isinstance(outcome, MedkgError):
            return _Found((), (outcome,), True, seconds)
        return _Found(outcome["documents"], outcome["failures"], False, seconds)


async def within(seconds: float, what: str, work: Callable[[], Awaitable[Any]]) -> Any:  # noqa: ANN401 - the work's own
    """What the work gives in its time, or the error that it ends with."""
    try:
        async with asyncio.timeout(seconds):
            return await work()
    except TimeoutError:
        return SearchUnavailable(
            f"{what} did not answer within {seconds:g} s",
            remedy="Look at what it asks (OpenSearch, the model's server, other search nodes); it may be overloaded.",
        )
    except MedkgError as error:
        return error
    except Exception:
        logger.exception("%s failed", what)
        return StageBug(f"{what} failed with an error that is none of medkg's", remedy="See the service's log.")


def lacking(part: str, error: MedkgError) -> PartialFailure:
    """What an answer lacks, counted."""
    _FAILED.labels(part, error.code).inc()
    info = error.info
    return PartialFailure(arm=part, code=info.code, message=info.message, remedy=info.remedy)


def _once(errors: Iterable[MedkgError]) -> list[MedkgError]:
    """The errors, those that say the same once."""
    return list({(error.code, str(error)): error for error in errors}.values())
