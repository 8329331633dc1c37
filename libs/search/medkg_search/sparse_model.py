"""Whose sparse vectors a tenant's index has: a record in the tenant's index of documents."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from medkg_contracts.errors import MedkgError
from medkg_contracts.vectors import SparseModel
from pydantic import ValidationError

from .model_record import create_record, strange_record
from .names import TenantNames
from .refusal import refused
from .server import SearchServer

#: The record's ``_id``; that of a manifest is hexadecimal.
SPARSE_MODEL_ID: Final = "sparse-model"


async def sparse_models(
    server: SearchServer, tenants: Sequence[TenantNames]
) -> dict[str, SparseModel | MedkgError | None]:
    """The sparse model of each of the tenants, or why it is not known; None of one that has none yet.

    Raises:
        IndexUnavailable: OpenSearch did not answer.
    """
    wanted = [{"_index": names.documents, "_id": SPARSE_MODEL_ID} for names in tenants]
    items = (await server.call("POST", "/_mget", body={"docs": wanted}))["docs"]
    return {names.tenant: _read(names.tenant, item) for names, item in zip(tenants, items, strict=True)}


async def sparse_model(server: SearchServer, tenant: str) -> SparseModel | None:
    """The tenant's sparse model; None while it has none.

    Raises:
        IndexMissing: the tenant has no index.
        IndexUnavailable: OpenSearch did not answer.
        ConfigurationError: the record is none.
    """
    found = (await sparse_models(server, [TenantNames(tenant)]))[tenant]
    if isinstance(found, MedkgError):
        raise found
    return found


async def first_sparse_model(server: SearchServer, names: TenantNames, model: SparseModel) -> SparseModel:
    """Make this the tenant's sparse model if it has none yet; the one that it has then.

    Raises:
        IndexMissing: the tenant has no index.
        IndexUnavailable: OpenSearch did not answer.
        ConfigurationError: OpenSearch refused, or the record is none.
    """
    # In the field of the live model, nothing of which is searched either.
    body = {"live_model": {"sparse": model.model_dump(mode="json")}}
    taken = await create_record(server, names, SPARSE_MODEL_ID, body)
    if taken is None:
        return model
    found = await sparse_model(server, names.tenant)
    if found is None:
        raise taken
    return found


def _read(tenant: str, item: Mapping[str, Any]) -> SparseModel | MedkgError | None:
    if "error" in item:
        return refused(f"sparse model of tenant {tenant!r}", item["error"])
    if not item["found"]:
        return None
    try:
        return SparseModel.model_validate(item["_source"].get("live_model", {}).get("sparse"))
    except ValidationError as error:
        return strange_record(item, "sparse model", error)
