"""The record of a tenant's models, in the tenant's index of documents: which one's vectors its searches compare."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from medkg_contracts.vectors import EmbeddingModel
from pydantic import ValidationError

from .bulk import Operation, Written, send
from .model_record import create_record, strange_record
from .names import TenantNames
from .refusal import refused
from .server import SearchServer
from .tenant_models import TenantModels

#: The record's ``_id``; that of a manifest is hexadecimal.
LIVE_MODEL_ID: Final = "live-model"


@dataclass(frozen=True, slots=True)
class StoredModels:
    """The record as it was read.

    Attributes:
        written: which write of it that was.
    """

    models: TenantModels
    written: Written


def read_live_model(tenant: str, item: Mapping[str, Any]) -> TenantModels | None:
    """The models, which an item of a multi-get, or the answer to a get, holds; None while there are none.

    Raises:
        ConfigurationError: the record is none.
    """
    if not item["found"]:
        return None
    try:
        return TenantModels.model_validate({"tenant": tenant} | item["_source"].get("live_model", {}))
    except ValidationError as error:
        raise strange_record(item, "live model", error) from error


async def stored_models(server: SearchServer, names: TenantNames) -> StoredModels | None:
    """The record; None while the tenant has none.

    Raises:
        IndexMissing: the tenant has no index.
        IndexUnavailable: OpenSearch did not answer.
        ConfigurationError: the record is none.
    """
    answer = await server.call("GET", f"/{names.documents}/_doc/{LIVE_MODEL_ID}", accept=(404,))
    if "error" in answer:
        raise refused(f"live model of tenant {names.tenant!r}", answer["error"], answer["status"])
    models = read_live_model(names.tenant, answer)
    return None if models is None else StoredModels(models, Written(answer["_seq_no"], answer["_primary_term"]))


async def live_model(server: SearchServer, names: TenantNames) -> TenantModels | None:
    """The tenant's models; None while it has none. Raises as `stored_models` does."""
    stored = await stored_models(server, names)
    return None if stored is None else stored.models


async def replace_models(server: SearchServer, names: TenantNames, stored: StoredModels, models: TenantModels) -> bool:
    """Put the models in the record's place; False if somebody else has written it since it was read.

    Raises:
        IndexUnavailable: OpenSearch did not answer.
        ConfigurationError: OpenSearch refused.
    """
    write = Operation("index", names.documents, LIVE_MODEL_ID, _source(models), stored.written)
    (outcome,) = await send(server, [write])
    if outcome.error is not None and not outcome.conflict:
        raise outcome.error
    return not outcome.conflict


async def first_live_model(server: SearchServer, names: TenantNames, model: EmbeddingModel) -> TenantModels:
    """Make this the tenant's live model if it has none yet; the one that it has then.

    Raises:
        IndexMissing: the tenant has no index.
        IndexUnavailable: OpenSearch did not answer.
        ConfigurationError: OpenSearch refused.
    """
    # Behind any that was lost with its index, as a manifest's numbers are.
    mine = TenantModels(tenant=names.tenant, model=model, order=round(time.time() * 1000))
    taken = await create_record(server, names, LIVE_MODEL_ID, _source(mine))
    if taken is None:
        return mine
    found = await live_model(server, names)
    if found is None:
        raise taken
    return found


def _source(models: TenantModels) -> dict[str, Any]:
    return {"live_model": models.model_dump(mode="json", exclude={"tenant"}, exclude_defaults=True)}
