"""Makes a tenant's indices, once."""

import asyncio
from typing import Any

from medkg_contracts.errors import ConfigurationError

from .analysis import SETTINGS
from .mapping import CHUNKS, DOCUMENTS
from .names import TenantNames
from .refusal import refused
from .server import SearchServer

_EXISTS = "resource_already_exists_exception"
#: A field has another type or analyzer than the mapping says, or the index does not have the analyzer.
_UNFIT = frozenset({"illegal_argument_exception", "mapper_parsing_exception"})


async def ensure_indices(server: SearchServer, tenant: str, *, shards: int = 1, replicas: int = 0) -> None:
    """Makes the tenant's indices and their aliases where they are missing; any number may do it at the same time.

    An alias that exists stays, whichever index it stands for; that index is given the fields that it lacks.

    Raises:
        InvalidRequest: the tenant's id breaks its rule.
        IndexUnavailable: OpenSearch did not answer, or makes none at the moment.
        ConfigurationError: OpenSearch refused, or an index that exists has a mapping that cannot be extended to ours.
    """
    names = TenantNames(tenant)
    size = index_size(shards, replicas)
    wanted = (
        (names.chunks, names.chunks_index, {"settings": size | SETTINGS, "mappings": CHUNKS}),
        (names.documents, names.documents_index, {"settings": size, "mappings": DOCUMENTS}),
    )
    made = await asyncio.gather(
        *(_ensure(server, alias, index, {**body, "aliases": {alias: {}}}) for alias, index, body in wanted),
        return_exceptions=True,  # so that nothing goes on behind an error
    )
    if errors := [each for each in made if each is not None]:
        raise errors[0]


def index_size(shards: int, replicas: int) -> dict[str, Any]:
    """The settings of an index of so many shards, each so many times more."""
    return {"index": {"number_of_shards": shards, "number_of_replicas": replicas}}


async def _ensure(server: SearchServer, alias: str, index: str, body: dict[str, Any]) -> None:
    found = await server.call("GET", f"/_alias/{alias}", accept=(404,))
    if "error" not in found:
        await _extend(server, alias, body["mappings"])
        return
    made = await server.call("PUT", f"/{index}", body=body, accept=(400,))
    error = made.get("error")
    if error is None:
        return
    if error["type"] != _EXISTS:
        raise refused(f"PUT /{index}", error, made["status"])
    # Another process made it just now, alias included, or its alias was taken away: adding it again is harmless.
    await server.call("PUT", f"/{index}/_alias/{alias}")


async def _extend(server: SearchServer, alias: str, mapping: dict[str, Any]) -> None:
    """Give an index of an earlier release the fields that it lacks; to one that has them all it changes nothing."""
    extended = await server.call("PUT", f"/{alias}/_mapping", body={"properties": mapping["properties"]}, accept=(400,))
    error = extended.get("error")
    if error is None:
        return
    if error["type"] not in _UNFIT:
        raise refused(f"PUT /{alias}/_mapping", error, extended["status"])
    raise ConfigurationError(
        f"the index of {alias} has a mapping that cannot be extended to this release's: {error['reason']}",
        remedy="An earlier release, or somebody else, made the index. `medkg index reindex` copies an earlier "
        f"release's chunks into an index of this one. Else delete it (`GET /_alias/{alias}` names it) and run its "
        "documents again: `medkg job rerun`.",
    )
