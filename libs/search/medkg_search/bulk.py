"""Bulk requests: what is sent, in pieces of bounded size, and what the answer says of each operation."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson
from medkg_contracts.errors import MedkgError

from .refusal import record_refused
from .server import SearchServer

#: OpenSearch analyses about 1 MiB a second on one core, and answers when all is done; one operation that is larger goes
#: alone.
MAX_BYTES = 1024 * 1024

#: The status of a write whose record has another last write than was expected.
CONFLICT = 409


@dataclass(frozen=True, slots=True)
class Written:
    """Which write of a record one read or made, for compare-and-set."""

    seq_no: int
    primary_term: int


@dataclass(frozen=True, slots=True)
class Operation:
    """One line of a bulk request and, unless it deletes, the record below it.

    Attributes:
        alias: where to.
        id: the record's ``_id``.
        source: the record.
        expected: refuse it unless this is still the record's last write.
    """

    action: Literal["index", "create", "delete"]
    alias: str
    id: str
    source: Mapping[str, Any] | None = None
    expected: Written | None = None

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
        written: which write it was.
        removed: a delete found something.
        conflict: it failed since another write of the record was not expected.
    """

    error: MedkgError | None
    written: Written | None = None
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
        written = Written(result["_seq_no"], result["_primary_term"])
        return Outcome(None, written=written, removed=result["result"] == "deleted")
    error = record_refused(f"{operation.action} {operation.id} in {operation.alias}", refusal, result["status"])
    return Outcome(error, conflict=result["status"] == CONFLICT)


async def send(server: SearchServer, operations: Sequence[Operation], refresh: str = "false") -> list[Outcome]:
    """Does the operations; an outcome for each, in their order. A request that fails is each of its operations' error.

    Args:
        server: where to.
        operations: what to do.
        refresh: as OpenSearch has it: whether searches see what was written before this returns.
    """
    # OpenSearch itself waits a minute for a lost shard, and all other records wait with it: so long no answer is waited
    # for.
    params = {"refresh": refresh, "timeout": f"{server.timeout_s / 2 * 1000:.0f}ms"}
    outcomes: list[Outcome] = []
    for sent, body in requests(operations):
        try:
            answer = await server.call("POST", "/_bulk", params=params, body=body)
        except MedkgError as error:
            outcomes += [Outcome(error)] * len(sent)
        else:
            outcomes += [outcome(one, item) for one, item in zip(sent, answer["items"], strict=True)]
    return outcomes
