"""Whose sparse vectors a tenant's index takes."""

from collections.abc import Sequence

from medkg_contracts.errors import ConfigurationError, MedkgError
from medkg_contracts.vectors import SparseModel
from medkg_search import SearchServer, TenantNames
from medkg_search.sparse_model import first_sparse_model, sparse_models

from .document_write import DocumentWrite


class SparseModels:
    """Compares a job's sparse model with its tenant's, which the first job with sparse vectors makes its own."""

    def __init__(self, server: SearchServer) -> None:
        self._server = server

    async def refusals(self, jobs: Sequence[DocumentWrite]) -> dict[int, MedkgError]:
        """Why jobs' sparse vectors are not taken, by their position in the batch."""
        given = [(job, job.sparse_vectors.model) for job in jobs if job.sparse_vectors is not None]
        if not given:
            return {}
        tenants = {job.names.tenant: job.names for job, _ in given}
        try:
            found = await sparse_models(self._server, list(tenants.values()))
        except MedkgError as error:
            return {job.position: error for job, _ in given}
        errors: dict[int, MedkgError] = {}
        for job, model in given:
            tenant = job.names.tenant
            if found[tenant] is None:
                found[tenant] = await self._first(job.names, model)
            live = found[tenant]
            if isinstance(live, MedkgError):
                errors[job.position] = live
            elif live is not None and live != model:
                errors[job.position] = _other_model(tenant, live, model)
        return errors

    async def _first(self, names: TenantNames, model: SparseModel) -> SparseModel | MedkgError:
        try:
            return await first_sparse_model(self._server, names, model)
        except MedkgError as error:
            return error


def _other_model(tenant: str, live: SparseModel, model: SparseModel) -> ConfigurationError:
    """Says that sparse vectors of this model cannot be compared with those that the tenant has."""
    return ConfigurationError(
        f"the index of tenant {tenant!r} has sparse vectors of {live.ref}; these are of {model.ref}",
        remedy=f"Set the SPLADE service back to {live.name} (MK_SPLADE_MODEL), or index with {model.name} for another "
        "tenant. Then run the job again.",
    )
