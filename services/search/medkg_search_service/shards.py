"""The whole view of the vectors: this node's part of it, and the parts of others."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

from medkg_contracts.errors import ConfigurationError, MedkgError, SearchUnavailable
from medkg_contracts.vectors import EmbeddingModel

from .candidate import Visibility
from .nearest import NearestAnswer, NearestQuestion, VisibleAnswer, VisibleQuestion

AnswerT = TypeVar("AnswerT", NearestAnswer, VisibleAnswer)


class Part(Protocol):
    """A node's part of the view, here or elsewhere."""

    @property
    def name(self) -> str:
        """How messages call the node."""
        ...

    async def nearest(self, question: NearestQuestion) -> NearestAnswer:
        """The nearest vectors of the part.

        Raises:
            SearchUnavailable: the node does not answer, or has not caught up.
            ConfigurationError: it has another live model.
        """
        ...

    async def visible(self, question: VisibleQuestion) -> VisibleAnswer:
        """The visible versions of the part's documents.

        Raises:
            SearchUnavailable: the node does not answer, or has not caught up.
        """
        ...


class OwnPart(Part, Protocol):
    """This node's part, which further knows what stands in every partition."""

    def models(self, tenant: str) -> Sequence[EmbeddingModel]:
        """The models that a tenant has vectors of, the one that its searches use first; none before there are any."""
        ...


@dataclass(frozen=True, slots=True)
class Nearest:
    """The nearest vectors of all parts that have answered.

    Attributes:
        hits: record ids with their inner products, best first.
        exhausted: no more would be found.
        missing: why parts are missing.
    """

    hits: Sequence[tuple[str, float]]
    exhausted: bool
    missing: Sequence[MedkgError]


@dataclass(frozen=True, slots=True)
class Decided:
    """The visible versions.

    Attributes:
        missing: why documents are undecided; empty where none is.
    """

    visibility: Visibility
    missing: Sequence[MedkgError]


class Shards:
    """Asks all parts at once; several nodes may have the same one.

    Args:
        own: this node's part.
        peers: the others.
        count: of how many parts the view consists.
        timeout_s: seconds that a peer may take.
    """

    def __init__(self, own: OwnPart, peers: Sequence[Part], count: int, timeout_s: float) -> None:
        self._own = own
        self._peers = peers
        self._count = count
        self._timeout_s = timeout_s

    def model(self, tenant: str, name: str | None = None) -> EmbeddingModel | None:
        """The model that a tenant's searches use, or the one of this name; None before the first document with vectors.

        Raises:
            SearchUnavailable: as far as this node has read, the tenant has no vectors of a model of this name.
        """
        models = self._own.models(tenant)
        if name is None:
            return models[0] if models else None
        found = next((model for model in models if model.name == name), None)
        if found is None:
            raise SearchUnavailable(
                f"tenant {tenant!r} has no vectors of {name!r}; it has those of "
                f"{', '.join(model.ref for model in models) or 'no model'}",
                remedy=f"Fill them: `medkg index migrate --tenant {tenant} --model {name}`; then wait until the node "
                "has read them.",
            )
        return found

    async def nearest(self, question: NearestQuestion) -> Nearest:
        """The nearest vectors of all parts, as one part that had all of them would answer."""
        answers, failures = await self._asked([self._own, *self._peers], lambda part: part.nearest(question))
        best: dict[str, float] = {}
        for answer in answers:
            best.update(answer.hits)
        ranked = sorted(best.items(), key=lambda hit: (-hit[1], hit[0]))
        exhausted = all(answer.exhausted for answer in answers) and len(ranked) <= question.k
        return Nearest(ranked[: question.k], exhausted, self._missing(answers, failures))

    async def visible(self, tenant: str, documents: Sequence[str]) -> Decided:
        """The visible versions of these documents; only what this node does not know is asked of others."""
        if not documents:
            return Decided(Visibility({}), ())
        versions: dict[str, str] = {}
        failures: list[MedkgError] = []
        left = list(documents)
        for parts in ([self._own], self._peers):
            if not left or not parts:
                continue
            question = VisibleQuestion(tenant=tenant, documents=tuple(left))
            answers, failed = await self._asked(parts, partial(_visible_to, question))
            failures += failed
            decided: set[str] = set()
            for answer in answers:
                versions.update(answer.versions)
                decided.update(answer.versions, answer.absent)
            left = [each for each in left if each not in decided]
        if left and not failures:
            failures.append(self._nobody_has(f"{len(left)} documents, such as {left[0]!r}"))
        return Decided(Visibility(versions, frozenset(left)), failures if left else ())

    async def _asked(
        self, parts: Sequence[Part], ask: Callable[[Part], Awaitable[AnswerT]]
    ) -> tuple[list[AnswerT], list[MedkgError]]:
        answers: list[AnswerT] = []
        failures: list[MedkgError] = []
        for outcome in await asyncio.gather(*(self._ask(part, ask) for part in parts)):
            if isinstance(outcome, MedkgError):
                failures.append(outcome)
            else:
                answers.append(outcome)
        return answers, failures

    async def _ask(self, part: Part, ask: Callable[[Part], Awaitable[AnswerT]]) -> AnswerT | MedkgError:
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await ask(part)
        except TimeoutError:
            return SearchUnavailable(f"{part.name} did not answer within {self._timeout_s:g} s")
        except MedkgError as error:
            return error
        if answer.shards != self._count:
            return ConfigurationError(
                f"{part.name} has part {answer.shard} of {answer.shards}; here there are {self._count}",
                remedy="Give all search nodes a MK_SEARCH_SHARD of the same number of parts.",
            )
        return answer

    def _missing(self, answers: Sequence[AnswerT], failures: list[MedkgError]) -> Sequence[MedkgError]:
        """Why the answers are not of all parts; empty where they are, whoever else has failed."""
        missing = sorted(set(range(self._count)) - {answer.shard for answer in answers})
        if not missing:
            return ()
        return failures or [self._nobody_has(", ".join(f"part {shard}" for shard in missing))]

    def _nobody_has(self, what: str) -> MedkgError:
        return ConfigurationError(
            f"no search node has {what} of the vectors' view",
            remedy=f"Run a node for each MK_SEARCH_SHARD from 0/{self._count} to {self._count - 1}/{self._count}, and "
            "name the others in MK_SEARCH_PEERS of each.",
        )


async def _visible_to(question: VisibleQuestion, part: Part) -> VisibleAnswer:
    return await part.visible(question)
