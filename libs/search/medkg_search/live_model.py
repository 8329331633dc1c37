"""A tenant's live model, whose vectors its searches compare: a record in the tenant's index of documents."""

import time
from collections.abc import Mapping
from typing import Any, Final

from medkg_contracts.changelog import LiveModel
from medkg_contracts.errors import ConfigurationError
from medkg_contracts.model import first_violation
from medkg_contracts.vectors import EmbeddingModel
from pydantic import ValidationError

from .names import TenantNames
from .refusal import refused
from .server import SearchServer

#: The record's ``_id``; that of a manifest is hexadecimal.
LIVE_MODEL_ID: Final = "live-model"

_CONFLICT: Final = 409


def read_live_model(tenant: str, item: Mapping[str, Any]) -> LiveModel | None:
    """The live model, which an item of a multi-get, or the answer to a get, holds; None while there is none.

    Raises:
        ConfigurationError: the record is none.
    """
    if not item["found"]:
        return None
    try:
        return LiveModel.model_validate({"tenant": tenant} | item["_source"].get("live_model", {}))
    except ValidationError as error:
        raise ConfigurationError(
            f"record {item['_id']} of index {item['_index']} is no live model: {first_violation(error)}",
            remedy="Find who else writes into the index, or which version of medkg did, and correct the record.",
        ) from error


async def live_model(server: SearchServer, names: TenantNames) -> LiveModel | None:
    """The tenant's live model; None while it has none.

    Raises:
        IndexMissing: the tenant has no index.
        IndexUnavailable: OpenSearch did not answer.
        ConfigurationError: the record is none.
    """
    answer = await server.call("GET", f"/{names.documents}/_doc/{LIVE_MODEL_ID}", accept=(404,))
    if "error" in answer:
        raise refused(f"live model of tenant {names.tenant!r}", answer["error"], answer["status"])
    return read_live_model(names.tenant, answer)


async def first_live_model(server: SearchServer, names: TenantNames, model: EmbeddingModel) -> LiveModel:
    """Make this the tenant's live model if it has none yet; the one that it has then.

    Raises:
        IndexMissing: the tenant has no index.
        IndexUnavailable: OpenSearch did not answer.
        ConfigurationError: OpenSearch refused.
    """
    # Behind any that was lost with its index, as a manifest's numbers are.
    mine = LiveModel(tenant=names.tenant, model=model, order=round(time.time() * 1000))
    path = f"/{names.documents}/_create/{LIVE_MODEL_ID}"
    body = {"live_model": mine.model_dump(mode="json", exclude={"tenant"})}
    made = await server.call("PUT", path, params={"require_alias": "true"}, body=body, accept=(_CONFLICT,))
    if "error" not in made:
        return mine
    found = await live_model(server, names)
    if found is None:
        raise refused(f"PUT {path}", made["error"], made["status"])
    return found
