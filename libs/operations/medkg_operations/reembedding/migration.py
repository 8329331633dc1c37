"""The steps of a migration: fill the other generation, let searches use it, remove the one that is not used."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from time import monotonic

from medkg_contracts.errors import ConfigurationError, IndexUnavailable, MedkgError, NotFound, Unfinished
from medkg_contracts.vectors import EmbeddingModel
from medkg_models import DenseEncoder
from medkg_models.dense_opening import open_dense
from medkg_search.tenant_models import TenantModels, migrate_command

from medkg_operations.search import SearchClient

from .comparison import compare, wait_until_searched
from .filling import Filler
from .passes import MOST_PASSES, Passed, empty_all, fill_all, missing
from .progress import Watch
from .queries import QuerySet
from .report import DiscardReport, FillReport, SwitchReport
from .settings import ReembeddingSettings
from .stores import TenantStores, now_ms, tenant_stores


async def fill_generation(
    settings: ReembeddingSettings, tenant: str, name: str, watch: Watch, *, source: str
) -> FillReport:
    """Give every chunk a vector of another model beside the one that searches use, from what the index has stored.

    Searches and jobs go on. What is filled already stays; after an interruption, do it again.

    Args:
        settings: where the stores are, and where the model runs.
        tenant: whose documents.
        name: of the model.
        watch: is told how far it is.
        source: who does it, for the changelog.

    Raises:
        ConfigurationError: there is no such model, searches use it already, or there is another generation beside.
        NotFound: the tenant has no dense vectors.
        ResourceUnavailable: OpenSearch, Kafka or the model's server does not answer.
    """
    began = monotonic()
    async with tenant_stores(settings, tenant, source) as stores:
        await stores.models()  # a tenant without vectors needs no model
        async with _encoder(settings, name) as encoder:
            model = encoder.model
            models = await stores.change_models(lambda each: each.with_beside(model, now_ms()))
            filler = Filler(stores, encoder, truncate=settings.embed_truncate)
            passed = await fill_all(stores, filler, model.key, watch)
            if not passed.failures:
                await stores.change_models(lambda each: each.with_filled(model, now_ms()))
    seconds = monotonic() - began
    return FillReport(
        tenant=tenant,
        live=models.model,
        beside=model,
        documents=passed.documents,
        chunks=passed.chunks,
        truncated=passed.truncated,
        seconds=seconds,
        per_second=passed.chunks / seconds,
        failures={document: error.info for document, error in passed.failures.items()},
    )


async def compare_generations(
    settings: ReembeddingSettings, filled: FillReport, wanted: QuerySet, watch: Watch
) -> FillReport:
    """The report with a comparison of what the search service finds by both models.

    Raises:
        SearchUnavailable: the search service does not answer, or not by one of the models.
    """
    async with SearchClient(settings.search_url) as client:
        comparison = await compare(client.search, filled.tenant, (filled.live, filled.beside), wanted, watch)
    return filled.model_copy(update={"comparison": comparison})


async def check_searched(settings: ReembeddingSettings, tenant: str, model: EmbeddingModel) -> None:
    """See that the search service can answer by the vectors of this model.

    Raises:
        SearchUnavailable: it does not answer, or cannot; the message says why, and the remedy what to do.
    """
    async with SearchClient(settings.search_url) as client:
        await wait_until_searched(client.search, tenant, model)


async def switch_generation(
    settings: ReembeddingSettings,
    tenant: str,
    name: str,
    watch: Watch,
    *,
    source: str,
    check: Callable[[ReembeddingSettings, str, EmbeddingModel], Awaitable[None]] = check_searched,
) -> SwitchReport:
    """Let searches use the generation of this model, once nothing lacks vectors of it; the other one stays beside it.

    While the last documents are filled, which takes moments, no vectors are taken: jobs try again. If searches use the
    model already, nothing is changed.

    Args:
        settings: where the stores are, and where the model runs.
        tenant: whose searches.
        name: of the model.
        watch: is told how far it is.
        source: who does it, for the changelog.
        check: sees that searches can be answered by the model before anything is changed.

    Raises:
        NotFound: there is no generation of the model.
        SearchUnavailable: searches cannot be answered by it.
        Unfinished: documents lack vectors of it, and cannot be given them.
        ResourceUnavailable: OpenSearch, Kafka or the model's server does not answer; nothing is switched then.
    """
    async with tenant_stores(settings, tenant, source) as stores:
        models = await stores.models()
        if models.model.name == name:
            models = await stores.change_models(lambda each: each)  # search nodes may not have been told
            return _switched(models, 0, 0.0, changed=False)
        model = _named(models, name)
        documents = 0
        if (await missing(stores, model.key)).documents:
            documents += await _complete(settings, stores, model, watch)
        await stores.change_models(lambda each: each.with_filled(model, now_ms()))
        await check(settings, tenant, model)
        began = monotonic()
        await stores.change_models(lambda each: each.closed(model, now_ms()))
        try:
            documents += await _closed(settings, stores, model, watch)
            models = await stores.change_models(lambda each: each.switched(now_ms()) if each.switching else each)
        except BaseException:
            with suppress(MedkgError):
                await stores.change_models(lambda each: each.reopened(now_ms()) if each.switching else each)
            raise
        if models.model != model:
            raise IndexUnavailable(f"somebody else has changed the models of tenant {tenant!r} at the same time")
        return _switched(models, documents, monotonic() - began, changed=True)


async def discard_generation(
    settings: ReembeddingSettings, tenant: str, name: str, watch: Watch, *, source: str
) -> DiscardReport:
    """Remove the vectors of a model that searches do not use. After an interruption, do it again.

    Args:
        settings: where the stores are.
        tenant: whose documents.
        name: of the model.
        watch: is told how far it is.
        source: who does it, for the changelog.

    Raises:
        ConfigurationError: searches use the model.
        NotFound: there is no generation of the model.
        ResourceUnavailable: OpenSearch or Kafka does not answer.
    """
    async with tenant_stores(settings, tenant, source) as stores:
        models = await stores.models()
        if models.model.name == name and (models.beside is None or models.beside.name != name):
            remedy = "Fill another generation and switch to it first."
            if models.beside is not None:
                remedy = f"Switch to the other one first: {migrate_command(tenant, models.beside, '--switch')}."
            raise ConfigurationError(f"the searches of tenant {tenant!r} use {models.model.ref}", remedy=remedy)
        model = _named(models, name)
        vectors = await empty_all(stores, model.key, watch)
        models = await stores.change_models(lambda each: each.without_beside(model, now_ms()))
    return DiscardReport(tenant=tenant, live=models.model, discarded=model, vectors=vectors)


async def _closed(settings: ReembeddingSettings, stores: TenantStores, model: EmbeddingModel, watch: Watch) -> int:
    """Fill the last documents while no vectors are taken; how many that were.

    Raises:
        Unfinished: some cannot be filled.
        IndexUnavailable: documents are changed all the time.
    """
    documents = 0
    for _ in range(MOST_PASSES):
        left = await missing(stores, model.key, overtake=True)
        if not left.documents and not left.overtaken:
            return documents
        if left.documents:
            documents += await _complete(settings, stores, model, watch)
    raise IndexUnavailable(f"documents of tenant {stores.names.tenant!r} are changed all the time")


async def _complete(settings: ReembeddingSettings, stores: TenantStores, model: EmbeddingModel, watch: Watch) -> int:
    """Fill what lacks vectors of the model; how many documents that were.

    Raises:
        Unfinished: some cannot be filled.
        ConfigurationError: what there is under the model's name is another model.
    """
    async with _encoder(settings, model.name) as encoder:
        if encoder.model != model:
            raise ConfigurationError(
                f"the generation is of {model.ref}, and here there is {encoder.model.ref}",
                remedy="Give the command the settings (MK_EMBED_*, MK_ACCELERATOR) that it was filled with.",
            )
        filler = Filler(stores, encoder, truncate=settings.embed_truncate)
        passed = await fill_all(stores, filler, model.key, watch)
    _check(stores, passed, model)
    return passed.documents


def _check(stores: TenantStores, passed: Passed, model: EmbeddingModel) -> None:
    for document, error in passed.failures.items():
        raise Unfinished(
            f"{len(passed.failures)} documents of tenant {stores.names.tenant!r} have no vectors of {model.ref}; of "
            f"{document!r}: [{error.code}] {error}",
            remedy=f"{error.info.remedy} Then do this again.",
        )


def _named(models: TenantModels, name: str) -> EmbeddingModel:
    """The model beside, if it has this name."""
    if models.beside is None or models.beside.name != name:
        other = f"; beside it there is {models.beside.ref}" if models.beside else ""
        raise NotFound(
            f"tenant {models.tenant!r} has no generation of {name!r}: its searches use {models.model.ref}{other}",
            remedy=f"Fill it first: `medkg index migrate --tenant {models.tenant} --model {name}`.",
        )
    return models.beside


def _switched(models: TenantModels, documents: int, paused_s: float, *, changed: bool) -> SwitchReport:
    return SwitchReport(
        tenant=models.tenant,
        live=models.model,
        beside=models.beside,
        documents=documents,
        changed=changed,
        paused_s=paused_s,
    )


@asynccontextmanager
async def _encoder(settings: ReembeddingSettings, name: str) -> AsyncIterator[DenseEncoder]:
    encoder = await open_dense(settings.model_copy(update={"embed_model": name}), settings.accelerator)
    try:
        yield encoder
    finally:
        await encoder.close()
