"""Whose sparse vectors a tenant's index has: a record in the tenant's index of documents."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from medkg_contracts.errors import ConfigurationError, MedkgError
from medkg_contracts.model import first_violation
from medkg_contracts.vectors import SparseModel
from pydantic import ValidationError

from .names import TenantNames
from .refusal import refused
from .server import SearchServer

#: The record's ``_id``; that of a manifest is hexadecimal.
SPARSE_MODEL_ID: Final = "sparse-model"

_CONFLICT: Final = 409


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
    path = f"/{names.documents}/_create/{SPARSE_MODEL_ID}"
    # In the field of the live model, nothing of which is searched either.
    body = {"live_model": {"sparse": model.model_dump(mode="json")}}
    made = await server.call("PUT", path, params={"require_alias": "true"}, body=body, accept=(_CONFLICT,))
    if "error" not in made:
        return model
    found = await sparse_model(server, names.tenant)
    if found is None:
        raise refused(f"PUT {path}", made["error"], made["status"])
    return found


def _read(tenant: str, item: Mapping[str, Any]) -> SparseModel | MedkgError | None:
    if "error" in item:
        return refused(f"sparse model of tenant {tenant!r}", item["error"])
    if not item["found"]:
        return None
    try:
        return SparseModel.model_validate(item["_source"].get("live_model", {}).get("sparse"))
    except ValidationError as error:
        return ConfigurationError(
            f"record {item['_id']} of index {item['_index']} is no sparse model: {first_violation(error)}",
            remedy="Find who else writes into the index, or which version of medkg did, and correct the record.",
        )
