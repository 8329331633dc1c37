"""What an error that OpenSearch answers means: whose fault it is, and what a person does about it. Pure.

The error's type decides, and its status only where the type says nothing: with 400 OpenSearch answers a record that it
cannot read, an index that somebody has closed, and a cluster that takes no more indices.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from medkg_contracts.errors import (
    ConfigurationError,
    IndexMissing,
    IndexUnavailable,
    InvalidDocument,
    InvalidRequest,
    MedkgError,
)

from .mapping import field_type


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an error stands for.

    Attributes:
        error: whose fault it is, and whether another try can succeed.
        remedy: what a person does; None where the error's own remedy says it.
    """

    error: type[MedkgError]
    remedy: str | None = None


_CLOSED: Final = Meaning(IndexUnavailable, "Open the index that the message names: `POST /INDEX/_open`.")
_BLOCKED: Final = Meaning(
    IndexUnavailable,
    "Lift the block that the message names once what it is for is over. OpenSearch sets blocks by itself when a disk "
    "is nearly full: free some of it, or add a disk.",
)
_BUSY: Final = Meaning(
    IndexUnavailable, "Wait; if it stays so, OpenSearch has too little memory or too much to do: see its log."
)
_LOST_SHARDS: Final = Meaning(
    IndexUnavailable, "A node or a disk of OpenSearch is away: `GET /_cluster/allocation/explain` says which."
)
_OVERTAKEN: Final = Meaning(IndexUnavailable, "Wait: another writer of the same record got ahead of this one.")
_OTHER_MAPPING: Final = Meaning(
    ConfigurationError,
    "The index has another mapping than medkg gives it: somebody else made or changed it. Delete it, and run its "
    "documents again.",
)
_CREDENTIALS: Final = Meaning(
    ConfigurationError, "Give MK_OPENSEARCH_URL a user that OpenSearch knows and that may do what the message names."
)
_LIMIT: Final = Meaning(
    ConfigurationError,
    "Raise the limit that the message names (of shards: `cluster.max_shards_per_node`), or delete indices that "
    "nobody needs.",
)
_TOO_LARGE: Final = Meaning(
    ConfigurationError,
    "Let OpenSearch, and any proxy before it, take requests of 16 MiB (`http.max_content_length`).",
)
_RECORD: Final = Meaning(InvalidDocument)
_REFUSED: Final = Meaning(
    ConfigurationError,
    "Look at the index and the cluster's settings; the message has OpenSearch's reason. The document is not to blame.",
)
_AWAY: Final = Meaning(IndexUnavailable)
_TROUBLE: Final = Meaning(
    IndexUnavailable, "OpenSearch's log says why; `GET /_cluster/allocation/explain` says it of shards that are away."
)

_QUERY: Final = Meaning(InvalidRequest, "Make the query shorter.")

#: By the error's type, the first that is known of its own, of its root causes' and of those of the causes below it.
MEANINGS: Final[Mapping[str, Meaning]] = {
    "index_closed_exception": _CLOSED,
    "index_not_found_exception": Meaning(IndexMissing),
    "cluster_block_exception": _BLOCKED,
    "index_create_block_exception": _BLOCKED,
    "circuit_breaking_exception": _BUSY,
    "rejected_execution_exception": _BUSY,
    "opensearch_rejected_execution_exception": _BUSY,
    "task_cancelled_exception": _BUSY,
    "process_cluster_event_timeout_exception": _BUSY,
    "unavailable_shards_exception": _LOST_SHARDS,
    "no_shard_available_action_exception": _LOST_SHARDS,
    "illegal_index_shard_state_exception": _LOST_SHARDS,
    "index_shard_not_started_exception": _LOST_SHARDS,
    "shard_not_found_exception": _LOST_SHARDS,
    "node_disconnected_exception": _LOST_SHARDS,
    "node_not_connected_exception": _LOST_SHARDS,
    "master_not_discovered_exception": _LOST_SHARDS,
    "cluster_manager_not_discovered_exception": _LOST_SHARDS,
    "version_conflict_engine_exception": _OVERTAKEN,
    "mapper_parsing_exception": _RECORD,
    "max_bytes_length_exceeded_exception": _RECORD,
    "strict_dynamic_mapping_exception": _OTHER_MAPPING,
    "query_shard_exception": _OTHER_MAPPING,
    "security_exception": _CREDENTIALS,
    "validation_exception": _LIMIT,
    "content_too_long_exception": _TOO_LARGE,
    "too_many_clauses": _QUERY,
    "too_many_nested_clauses": _QUERY,
}
#: Where no type says more: these stand for many things, of which a cause may be in `MEANINGS`.
_VAGUE: Final[Mapping[str, Meaning]] = {"illegal_argument_exception": _REFUSED}
#: Where no type is known, as when a proxy answers.
_STATUSES: Final[Mapping[int, Meaning]] = {
    401: _CREDENTIALS,
    403: _CREDENTIALS,
    407: _CREDENTIALS,
    408: _BUSY,
    413: _TOO_LARGE,
    429: _BUSY,
}
_SERVER_ERROR: Final = 500
_FIELD: Final = re.compile(r"failed to parse field \[([^\]]+)\] of type \[([^\]]+)\]")


def refused(request: str, error: object, status: int | None = None) -> MedkgError:
    """The error that OpenSearch's answer to a request is; never the fault of a document.

    Args:
        request: what was asked, for the message.
        error: the answer's ``error``; a proxy may have answered text, or nothing.
        status: of HTTP; None for a part of an answer that has no status of its own.
    """
    meaning = _meaning(error, status)
    return _error(_REFUSED if meaning is _RECORD else meaning, request, error, status)


def record_refused(request: str, error: Mapping[str, Any], status: int) -> MedkgError:
    """The error that OpenSearch's answer to the write of one record is.

    Args:
        request: what was asked, for the message.
        error: the ``error`` of the bulk answer's item.
        status: of the item.
    """
    meaning = _meaning(error, status)
    return _error(_OTHER_MAPPING if meaning is _RECORD and _foreign(error) else meaning, request, error, status)


def _error(meaning: Meaning, request: str, error: object, status: int | None) -> MedkgError:
    ending = "" if status is None else f" (status {status})"
    return meaning.error(f"{request}: {_reason(error)}{ending}", remedy=meaning.remedy)


def _meaning(error: object, status: int | None) -> Meaning:
    kinds = list(_kinds(error))
    for table in (MEANINGS, _VAGUE):
        if (known := next((kind for kind in kinds if kind in table), None)) is not None:
            return table[known]
    if status is None or status >= _SERVER_ERROR:
        return _TROUBLE if kinds else _AWAY
    return _STATUSES.get(status, _REFUSED)


def _kinds(error: object) -> Iterator[str]:
    if not isinstance(error, Mapping):
        return
    yield str(error.get("type"))
    for cause in error.get("root_cause") or ():
        yield from _kinds(cause)
    yield from _kinds(error.get("caused_by"))


def _foreign(error: Mapping[str, Any]) -> bool:
    """Whether a record was not read because the index gives a field another type than medkg does."""
    reason = str(error.get("reason"))
    found = _FIELD.search(reason)
    return reason.startswith("object mapping") or (found is not None and field_type(found[1]) != found[2])


def _reason(error: object) -> str:
    if not isinstance(error, Mapping):
        return str(error) if error else "no reason given"
    cause = error.get("caused_by") or {}
    index = error.get("index")
    # All that the reason of a closed index says is "closed".
    named = f"{error.get('type')} [{index}]" if index and index not in str(error.get("reason")) else error.get("type")
    return ": ".join(str(part) for part in (named, error.get("reason"), cause.get("reason")) if part)
