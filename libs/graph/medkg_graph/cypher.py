"""Somebody's own Cypher, which reads: it is Neo4j that says what a statement does, and that refuses it.

Neo4j Community has no roles, so that whoever may ask in Cypher sees the graphs of all tenants.
"""

from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any, Final

from medkg_contracts.errors import InvalidRequest
from medkg_contracts.model import Contract
from neo4j import AsyncTransaction
from neo4j.exceptions import ClientError
from pydantic import JsonValue

from .server import GraphServer
from .values import json_of

#: A statement that reads; what looks after the server is another kind, writing too.
_READS: Final = "r"
_WRITES: Final = frozenset({"w", "rw", "sw"})
#: What Neo4j takes for reading, and is more: it ends others' work, or opens files and addresses.
_REFUSED: Final = frozenset({"TerminateTransactions", "LoadCSV"})


class Rows(Contract):
    """What a statement gives.

    Attributes:
        columns: their names.
        rows: values in their order; nodes, relationships and paths are objects.
        more: whether there were other rows, which were not read.
        took_ms: milliseconds.
    """

    columns: list[str]
    rows: list[list[JsonValue]]
    more: bool
    took_ms: float


async def ask_cypher(
    server: GraphServer,
    statement: str,
    parameters: Mapping[str, JsonValue],
    *,
    rows: int = 100,
    timeout_s: float = 10.0,
) -> Rows:
    """Ask in Cypher.

    Args:
        server: who is asked.
        statement: one that reads.
        parameters: its own, by their names without ``$``.
        rows: at most so many are read.
        timeout_s: for so long; Neo4j itself ends what takes longer.

    Raises:
        InvalidRequest: Neo4j refuses it: it writes, it is no Cypher, it fails with these parameters, or needs too much
            memory; or it does something else than read.
        Unfinished: it took longer.
        GraphUnavailable: Neo4j does not answer.
    """
    began = perf_counter()
    try:
        async with server.reading(timeout_s) as transaction:
            await _check(transaction, statement)
            result = await transaction.run(statement, dict(parameters))
            columns = list(result.keys())
            found: list[list[JsonValue]] = []
            more = False
            async for record in result:
                if more := len(found) == rows:
                    break
                found.append([json_of(value) for value in record.values()])
    except ClientError as error:
        raise InvalidRequest(
            f"Neo4j refuses the statement: {error.message}", remedy="Correct the statement; it can only read."
        ) from error
    return Rows(columns=columns, rows=found, more=more, took_ms=round((perf_counter() - began) * 1000, 1))


async def _check(transaction: AsyncTransaction, statement: str) -> None:
    """Have Neo4j say how it would run the statement, and refuse what is more than reading.

    Writing is left to Neo4j to refuse.
    """
    summary = await (await transaction.run(f"EXPLAIN {statement}")).consume()
    if summary.query_type in _WRITES:
        return
    steps = set(_steps(summary.plan or {}))
    if summary.query_type != _READS or steps & _REFUSED:
        what = ", ".join(sorted(steps & _REFUSED or steps))
        raise InvalidRequest(
            f"the statement does more than read the graph: {what}",
            remedy="Ask with MATCH and RETURN; who looks after Neo4j does so with cypher-shell.",
        )


def _steps(plan: Mapping[str, Any]) -> Sequence[str]:
    own = [plan["operatorType"].partition("@")[0]] if plan else []
    return [*own, *(step for child in plan.get("children", ()) for step in _steps(child))]
