"""Whose vectors a tenant's index takes."""

from collections.abc import Mapping, Sequence
from typing import Final

from medkg_bus.changelog import VectorChangelog
from medkg_contracts.changelog import LiveModel
from medkg_contracts.errors import ConfigurationError, MedkgError
from medkg_contracts.vectors import EmbeddingModel
from medkg_search import SearchServer
from medkg_search.live_model import first_live_model

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

    async def check(
        self, jobs: Sequence[DocumentWrite], known: Mapping[str, LiveModel | None]
    ) -> dict[int, MedkgError]:
        """Why jobs' vectors are not taken, by their position in the batch.

        Args:
            jobs: those with and without vectors.
            known: the live models that the tenants of all jobs have now.
        """
        models = [(job, job.embeddings.model) for job in jobs if job.embeddings is not None]
        found: dict[str, LiveModel | MedkgError] = {}
        for job, model in models:
            if job.names.tenant not in found:
                found[job.names.tenant] = await self._live(job, model, known[job.names.tenant])
        errors: dict[int, MedkgError] = {}
        for job, model in models:
            live = found[job.names.tenant]
            if isinstance(live, MedkgError):
                errors[job.position] = live
            elif live.model != model:
                errors[job.position] = other_model(live, model)
        return errors

    async def _live(self, job: DocumentWrite, model: EmbeddingModel, known: LiveModel | None) -> LiveModel | MedkgError:
        try:
            live = known or await first_live_model(self._server, job.names, model)
        except MedkgError as error:
            return error
        if self._told.get(live.tenant) != live.order:
            (failed,) = await self._changelog.write([[live]])
            if failed is not None:
                return failed
            self._told[live.tenant] = live.order
        return live


_NORM: Final = {True: "normalised", False: "not normalised"}


def other_model(live: LiveModel, model: EmbeddingModel) -> ConfigurationError:
    """Says that vectors of this model cannot be compared with those that the tenant has."""
    return ConfigurationError(
        f"the index of tenant {live.tenant!r} has vectors of {_told(live.model)}; these are of {_told(model)}",
        remedy=f"Set the embedding service back to {live.model.name}, or index with {model.name} for another tenant. "
        "Then run the job again.",
    )


def _told(model: EmbeddingModel) -> str:
    return f"{model.ref} ({model.dimension} numbers, {_NORM[model.normalised]})"
