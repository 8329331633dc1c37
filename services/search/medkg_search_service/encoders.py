"""Encoders: of whichever model a tenant's vectors are."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from medkg_contracts.errors import ConfigurationError, MedkgError
from medkg_contracts.vectors import EmbeddingModel, SparseModel
from medkg_models import DenseEncoder, DenseModel, named
from medkg_models.dense import all_or_error
from medkg_models.endpoint import EndpointEncoder
from medkg_models.local import LocalEncoder
from medkg_models.sparse import SparseEncoder
from medkg_search import splade_clause

from .opened import Opened
from .retriever import ArmQuery
from .settings import SearchServiceSettings

#: Seconds after which tenants' models are looked at again.
LOOK_S: Final = 2.0

#: Seconds after which a tenant's sparse model is asked for again.
AGAIN_S: Final = 30.0


def encoders_of(settings: SearchServiceSettings, model: EmbeddingModel) -> list[DenseEncoder]:
    """What may encode by a model: this process on the CPU, or the endpoints, of which one serves it.

    Raises:
        ConfigurationError: the catalogue has no such model.
    """
    passage, query = settings.embed_passage_instruction, settings.embed_query_instruction
    if settings.accelerator == "cpu":
        return [LocalEncoder(named(model.name, DenseModel), passage_instruction=passage, query_instruction=query)]
    return [
        EndpointEncoder(
            url,
            name=model.name,
            dimension=model.dimension,
            passage_instruction=passage,
            query_instruction=query or "",
            timeout_s=settings.embed_timeout_s,
        )
        for url in settings.embed_urls
    ]


class DenseEncoders:
    """Encodes by the model that a tenant's searches use; each is opened when it is first wanted.

    Args:
        encoders_of: what may encode by a model, at least one; the first that can does.
    """

    def __init__(self, encoders_of: Callable[[EmbeddingModel], Sequence[DenseEncoder]]) -> None:
        self._encoders_of = encoders_of
        self._opened: dict[EmbeddingModel, Opened[DenseEncoder]] = {}

    async def encode_query(self, model: EmbeddingModel, text: str) -> npt.NDArray[np.float32]:
        """The vector of a query by this model.

        Raises:
            ConfigurationError: there is no such model here.
            ResourceUnavailable: who computes it does not answer.
        """
        return await (await self._opened_for(model)).encode_query(text)

    async def encode_passage(self, model: EmbeddingModel, text: str) -> npt.NDArray[np.float32]:
        """The vector of a text that was indexed, as the embed stage makes it, but cut where it is too long.

        Raises:
            ConfigurationError: there is no such model here.
            ResourceUnavailable: who computes it does not answer.
        """
        encoder = await self._opened_for(model)
        vector: npt.NDArray[np.float32] = all_or_error(await encoder.encode_each([text], truncate=True))[0]
        return vector

    async def keep_open(self, models: Callable[[], Iterable[EmbeddingModel]]) -> None:
        """Open the encoders of these models, and of those that come, before a search has to wait; never ends."""
        while True:
            for model in models():
                with suppress(MedkgError):  # whoever searches is told
                    await self._opened_for(model)
            await asyncio.sleep(LOOK_S)

    async def close(self) -> None:
        """Close all encoders."""
        await asyncio.gather(*(opened.close() for opened in self._opened.values()))

    async def _opened_for(self, model: EmbeddingModel) -> DenseEncoder:
        if model not in self._opened:
            self._opened[model] = Opened(partial(self._open, model))
        return await self._opened[model].get()

    async def _open(self, model: EmbeddingModel) -> DenseEncoder:
        errors: list[MedkgError] = []
        for encoder in self._encoders_of(model):
            try:
                return await _ready(encoder, model)
            except MedkgError as error:
                errors.append(error)
        # One that does not answer may be the one that has the model.
        raise next((error for error in errors if error.retryable), errors[0])


async def _ready(encoder: DenseEncoder, model: EmbeddingModel) -> DenseEncoder:
    """The encoder, open, and of this model."""
    try:
        await encoder.open()
    except BaseException:
        await encoder.close()
        raise
    if encoder.model != model:
        await encoder.close()
        raise ConfigurationError(
            f"the tenant's vectors are of {model.ref}, and queries would be encoded by {encoder.model.ref}",
            remedy="Give the search service the settings of the embed stage that made the vectors.",
        )
    return encoder


class SpladeClauses:
    """What the SPLADE arm asks OpenSearch.

    Args:
        opened: the encoder of queries.
        model_of: the model that a tenant's sparse vectors are of; None while it has none.
    """

    def __init__(self, opened: Opened[SparseEncoder], model_of: Callable[[str], Awaitable[SparseModel | None]]) -> None:
        self._opened = opened
        self._model_of = model_of
        self._right_until: dict[str, float] = {}

    async def clause(self, query: ArmQuery) -> Mapping[str, Any] | None:
        """What scores records by the query's terms, or by those of what they are to be like.

        None for a query without words, and for what has no terms.

        Raises:
            ConfigurationError: the tenant's sparse vectors are another model's.
            MedkgError: the model cannot be run.
        """
        if query.like is not None:
            return splade_clause({_term(feature): weight for feature, weight in query.like.sparse.items()})
        if not query.query.words:
            return None
        encoder = await self._opened.get()
        await self._check(query.tenant, encoder.model)
        return splade_clause(await encoder.encode_query(query.query.words))

    async def _check(self, tenant: str, model: SparseModel) -> None:
        if monotonic() < self._right_until.get(tenant, 0.0):
            return
        live = await self._model_of(tenant)
        if live is not None and live != model:
            raise ConfigurationError(
                f"the tenant's sparse vectors are of {live.ref}, and queries would be encoded by {model.ref}",
                remedy="Give the search service the settings of the SPLADE stage that made the sparse vectors.",
            )
        self._right_until[tenant] = monotonic() + AGAIN_S


def _term(feature: str) -> str:
    """The term that a feature stands for; see `medkg_search.feature_name`."""
    return feature.replace("%2E", ".").replace("%25", "%")
