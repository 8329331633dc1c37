"""Bulk requests: what is sent, in pieces of bounded size, and what the answer says of each operation. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from medkg_contracts.errors import MedkgError
from medkg_search import record_refused

#: OpenSearch advises 5 to 15 MiB; one operation that is larger goes alone.
MAX_BYTES = 8 * 1024 * 1024

#: The status of a write whose record is not at the expected version.
CONFLICT = 409


@dataclass(frozen=True, slots=True)
class Version:
    """Which write of a record one read, for compare-and-set."""

    seq_no: int
    primary_term: int


@dataclass(frozen=True, slots=True)
class Operation:
    """One line of a bulk request and, unless it deletes, the record below it.

    Attributes:
        job: position of the job in the batch.
        alias: where to.
        id: the record's ``_id``.
        source: the record.
        expected: refuse the write unless the record is still at this version.
    """

    job: int
    action: Literal["index", "create", "delete"]
    alias: str
    id: str
    source: Mapping[str, Any] | None = None
    expected: Version | None = None

    def encode(self) -> bytes:
        """As lines of JSON."""
        head: dict[str, Any] = {"_index": self.alias, "_id": self.id}
        if self.action != "delete":
            # OpenSearch would otherwise make an index of the alias's name when the alias is gone.
            head["require_alias"] = True
        if self.expected is not None:
            head |= {"if_seq_no": self.expected.seq_no, "if_primary_term": self.expected.primary_term}
        line = orjson.dumps({self.action: head}, option=orjson.OPT_APPEND_NEWLINE)
        if self.source is None:
            return line
        return line + orjson.dumps(self.source, option=orjson.OPT_APPEND_NEWLINE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an operation.

    Attributes:
        error: why it failed, or None.
        version: the record's, after a write.
        removed: a delete found something.
        conflict: it failed since the record is not at the expected version.
    """

    error: MedkgError | None
    version: Version | None = None
    removed: bool = False
    conflict: bool = False


def requests(operations: Iterable[Operation], limit: int = MAX_BYTES) -> Iterator[tuple[list[Operation], bytes]]:
    """The operations in their order, in bodies of at most `limit` bytes."""
    held: list[Operation] = []
    lines: list[bytes] = []
    size = 0
    for operation in operations:
        encoded = operation.encode()
        if held and size + len(encoded) > limit:
            yield held, b"".join(lines)
            held, lines, size = [], [], 0
        held.append(operation)
        lines.append(encoded)
        size += len(encoded)
    if held:
        yield held, b"".join(lines)


def outcome(operation: Operation, item: Mapping[str, Any]) -> Outcome:
    """What the answer's item says of the operation that it answers."""
    result = item[operation.action]
    refusal = result.get("error")
    if refusal is None:
        version = Version(result["_seq_no"], result["_primary_term"])
        return Outcome(None, version=version, removed=result["result"] == "deleted")
    error = record_refused(f"{operation.action} {operation.id} in {operation.alias}", refusal, result["status"])
    return Outcome(error, conflict=result["status"] == CONFLICT)
