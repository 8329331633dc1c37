"""Copies a tenant's chunks out of an index of an earlier release into one of this release's analysis."""

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from medkg_contracts.errors import ConfigurationError, IndexMissing

from .analysis import SETTINGS
from .indices import index_size
from .mapping import CHUNKS
from .names import TenantNames
from .refusal import refused
from .server import SearchServer

_POLL_S: Final = 0.2

#: What records of earlier releases lack; see `chunk_source`. The other facets come when a document is indexed again.
_SCRIPT: Final = """
if (ctx._source.known_as == null) {
  String id = ctx._source.document_id;
  ctx._source.known_as = [id, id.substring(id.indexOf(':') + 1), ctx._source.document_title];
}
"""


@dataclass(frozen=True, slots=True)
class Reindexed:
    """What became of a tenant's index.

    Attributes:
        index: that the alias stands for now.
        before: that it stood for; the same when there was nothing to do.
        records: that were copied.
    """

    index: str
    before: str
    records: int


async def reindex_chunks(server: SearchServer, tenant: str, *, shards: int = 1, replicas: int = 0) -> Reindexed:
    """Copies the tenant's chunks into an index of this release, and has the alias stand for that one from then on.

    Searches go on meanwhile, in the earlier index, which stays until somebody deletes it. Nobody may write: stages of
    this release refuse an earlier index anyway; those of an earlier release are stopped before. What dies half-way is
    run again.

    Raises:
        InvalidRequest: the tenant's id breaks its rule.
        IndexMissing: the tenant has no index.
        IndexUnavailable: OpenSearch did not answer, or is not able to at the moment.
        ConfigurationError: OpenSearch refused, or a record does not fit.
    """
    names = TenantNames(tenant)
    found = await server.call("GET", f"/_alias/{names.chunks}", accept=(404,))
    if "error" in found:
        raise IndexMissing(f"tenant {names.tenant!r} has no index: nothing of it was indexed yet")
    before, index = next(iter(found)), names.chunks_index
    if before == index:
        return Reindexed(index, before, 0)
    body = {"settings": index_size(shards, replicas) | SETTINGS, "mappings": CHUNKS}
    made = await server.call("PUT", f"/{index}", body=body, accept=(400,))
    if "error" in made and made["error"]["type"] != "resource_already_exists_exception":
        raise refused(f"PUT /{index}", made["error"], made["status"])
    records = await _copy(server, before, index)
    actions = [
        {"remove": {"index": before, "alias": names.chunks}},
        {"add": {"index": index, "alias": names.chunks}},
    ]
    await server.call("POST", "/_aliases", body={"actions": actions})
    return Reindexed(index, before, records)


async def _copy(server: SearchServer, before: str, index: str) -> int:
    body = {"source": {"index": before}, "dest": {"index": index}, "script": {"source": _SCRIPT}}
    params = {"wait_for_completion": "false", "refresh": "true"}
    task = (await server.call("POST", "/_reindex", params=params, body=body))["task"]
    while not (state := await server.call("GET", f"/_tasks/{task}"))["completed"]:  # noqa: ASYNC110 - of OpenSearch's
        await asyncio.sleep(_POLL_S)
    answer: dict[str, Any] = state.get("response", {})
    if (error := state.get("error")) is not None:
        raise refused(f"reindex of {before} into {index}", error)
    if failures := answer["failures"]:
        raise ConfigurationError(
            f"reindex of {before} into {index}: {len(failures)} records failed, first {failures[0].get('cause')}",
            remedy="Delete the record that the message names, or run its document again, and run this again.",
        )
    copied: int = answer["total"]
    return copied
