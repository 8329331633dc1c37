"""The graph's constraints and indexes; a type of relationship gets its own when it is first written."""

import asyncio
from collections.abc import Collection, Mapping
from functools import partial
from typing import Final

from .server import GraphServer, Transaction

_CONSTRAINTS: Final[Mapping[str, str]] = {
    "medkg_document": "CREATE CONSTRAINT medkg_document IF NOT EXISTS"
    " FOR (d:Document) REQUIRE (d.tenant, d.id) IS UNIQUE",
    "medkg_entity": "CREATE CONSTRAINT medkg_entity IF NOT EXISTS FOR (e:Entity) REQUIRE (e.tenant, e.id) IS UNIQUE",
    # With the tenant, so that who looks for a name does not look through those of others.
    "medkg_names": "CREATE FULLTEXT INDEX medkg_names IF NOT EXISTS"
    " FOR (e:Entity) ON EACH [e.tenant, e.name, e.synonyms]",
}


class GraphSchema:
    """What the graph has of constraints; each is asked for once a process."""

    def __init__(self, server: GraphServer) -> None:
        self._server = server
        self._there: set[str] = set()
        self._lock = asyncio.Lock()

    async def ensure(self, types: Collection[str]) -> None:
        """Have the constraints that claims of these relationship types need.

        Raises:
            GraphUnavailable: Neo4j did not answer.
        """
        wanted = {**_CONSTRAINTS, **{_name(type_): _claims_constraint(type_) for type_ in types}}
        # Making one, even one that is there, locks a type of relationship against all writers: of several that do it
        # at once Neo4j lets one wait for the other and ends the rest.
        async with self._lock:
            if wanted.keys() - self._there:
                self._there |= await self._server.read(_names)
            for name in sorted(wanted.keys() - self._there):
                await self._server.write(partial(_run, wanted[name]))
                self._there.add(name)


async def _names(transaction: Transaction) -> set[str]:
    constraints = await transaction.run("SHOW CONSTRAINTS YIELD name")
    indexes = await transaction.run("SHOW INDEXES YIELD name")
    return {row["name"] for row in (*constraints, *indexes)}


async def _run(statement: str, transaction: Transaction) -> None:
    await transaction.run(statement)


def _name(type_: str) -> str:
    return f"medkg_{type_.lower()}"


def _claims_constraint(type_: str) -> str:
    return f"CREATE CONSTRAINT {_name(type_)} IF NOT EXISTS FOR ()-[r:{type_}]-() REQUIRE (r.tenant, r.id) IS UNIQUE"
