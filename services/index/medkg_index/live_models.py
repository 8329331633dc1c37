"""Whose vectors a tenant's index takes."""

from collections.abc import Sequence
from typing import Final

from medkg_bus.changelog import VectorChangelog
from medkg_contracts.errors import ConfigurationError, IndexUnavailable, MedkgError
from medkg_contracts.vectors import EmbeddingModel
from medkg_search import SearchServer, TenantNames
from medkg_search.live_model import first_live_model, live_model
from medkg_search.tenant_models import TenantModels, migrate_command

from .document_write import DocumentWrite


class LiveModels:
    """Compares a job's model with its tenant's live one, which the first job with vectors makes its own.

    Search nodes are told the live model in every partition of the changelog: by the process that makes it, and by each
    process when it first writes vectors of the tenant, so that it is told also where one died in between.
    """

    def __init__(self, server: SearchServer, changelog: VectorChangelog) -> None:
        self._server = server
        self._changelog = changelog
        self._told: dict[str, int] = {}

    async def check(self, jobs: Sequence[DocumentWrite]) -> dict[int, MedkgError]:
        """Why jobs' vectors are not taken, by their position in the batch; of those that have some."""
        with_vectors = [(job, job.embeddings.model) for job in jobs if job.embeddings is not None]
        found: dict[str, TenantModels | MedkgError] = {}
        for job, model in with_vectors:
            if job.names.tenant not in found:
                found[job.names.tenant] = await self._models(job.names, model)
        errors: dict[int, MedkgError] = {}
        for job, model in with_vectors:
            models = found[job.names.tenant]
            error = models if isinstance(models, MedkgError) else refusal(models, model)
            if error is not None:
                errors[job.position] = error
        return errors

    async def _models(self, names: TenantNames, first: EmbeddingModel) -> TenantModels | MedkgError:
        try:
            models = await live_model(self._server, names) or await first_live_model(self._server, names, first)
            # Compaction keeps the last word: who has told what was changed meanwhile tells what is true now.
            while self._told.get(models.tenant) != models.order:
                (failed,) = await self._changelog.write([[models.announced]])
                if failed is not None:
                    return failed
                self._told[models.tenant] = models.order
                models = await live_model(self._server, names) or models
        except MedkgError as error:
            return error
        return models


_NORM: Final = {True: "normalised", False: "not normalised"}


def refusal(models: TenantModels, model: EmbeddingModel) -> MedkgError | None:
    """Why a tenant with these models takes no vectors of this one; None if it does."""
    if models.switching and models.beside is not None:
        return IndexUnavailable(
            f"the searches of tenant {models.tenant!r} are being switched to {models.beside.ref}; no vectors are taken "
            "until they are",
            remedy="Wait: that takes seconds. If nobody is doing it any more, do it again: "
            f"{migrate_command(models.tenant, models.beside, '--switch')}.",
        )
    return None if model == models.model else _other_model(models, model)


def _other_model(models: TenantModels, model: EmbeddingModel) -> ConfigurationError:
    """Says that vectors of this model cannot be compared with those that searches compare."""
    switch = migrate_command(models.tenant, model, "--switch")
    if models.beside != model:
        switch = f"{migrate_command(models.tenant, model)}, then the same with --switch"
    return ConfigurationError(
        f"the index of tenant {models.tenant!r} has vectors of {_told(models.model)}; these are of {_told(model)}",
        remedy=f"Set the embedding service to {models.model.name}, or move the tenant's searches to {model.name}: "
        f"{switch}. Then run the job again.",
    )


def _told(model: EmbeddingModel) -> str:
    return f"{model.ref} ({model.dimension} numbers, {_NORM[model.normalised]})"
