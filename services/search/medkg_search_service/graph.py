"""The HTTP interface to the knowledge graph: it answers whether or not this node can search yet."""

import asyncio
from collections.abc import Awaitable
from functools import partial
from typing import Annotated, Final, TypeVar

from fastapi import APIRouter, Header, Path, Query
from medkg_contracts.errors import GraphUnavailable
from medkg_graph import GraphReader, GraphServer, routes
from medkg_graph.cypher import Rows, ask_cypher
from medkg_graph.reader import MOST_HOPS
from medkg_graph.trials import TrialsReader, Tried
from medkg_graph.views import Found, Neighbourhood, NodeView, Paths, Statements
from medkg_search.hybrid import TENANT_HEADER

from .server import REFUSALS, tenant_of

T = TypeVar("T")

#: Seconds for which a Neo4j that is away is tried again.
PATIENCE_S: Final = 2.0

_DRUG: Final = {"drug": {"summary": "By name", "value": "pregabalin"}, "id": {"value": "MESH:D000069583"}}
_DISEASE: Final = {"disease": {"value": "intervertebral disc displacement"}, "id": {"value": "MESH:D007405"}}
_NAME: Final = "An id, such as MESH:D007405 or NCT01367860, or a name that only one entity has."

Asker = Annotated[str | None, Header(alias=TENANT_HEADER, description="Whose graph, if `tenant` does not say it.")]
Tenant = Annotated[str | None, Query(description="Whose graph is asked; mandatory here or in the header.")]
Limit = Annotated[int, Query(ge=1, le=routes.MOST, description="At most so many.")]
Skip = Annotated[int, Query(ge=0, le=routes.MOST_SKIPPED, description="Leave out so many: the page behind.")]
Name = Annotated[str, Path(description=_NAME, openapi_examples=_DISEASE, max_length=300)]
Drug = Annotated[str, Query(description=_NAME, openapi_examples=_DRUG, max_length=300)]
Disease = Annotated[str, Query(description=_NAME, openapi_examples=_DISEASE, max_length=300)]


def graph_routes(server: GraphServer, timeout_s: float) -> APIRouter:
    """The paths of questions to one tenant's graph, each of which may take so many seconds."""
    router = APIRouter(tags=["knowledge graph"], responses=REFUSALS)
    graph, trials = GraphReader(server, timeout_s), TrialsReader(server, timeout_s)

    answered = partial(_answered, timeout_s)

    @router.get(routes.ENTITIES, summary="Entities by words of their names, or by id")
    async def entities(text: Disease, tenant: Tenant = None, asker: Asker = None, limit: Limit = 10) -> Found:
        return await answered(graph.find(tenant_of(tenant, asker), text, limit))

    @router.get(routes.ENTITIES + "/{name:path}/neighbours", summary="What is one or two statements away")
    async def neighbours(
        name: Name,
        tenant: Tenant = None,
        asker: Asker = None,
        predicate: Annotated[list[str] | None, Query(description="Only by this one; repeatable.")] = None,
        hops: Annotated[int, Query(ge=1, le=2)] = 1,
        limit: Limit = 50,
    ) -> Neighbourhood:
        who = tenant_of(tenant, asker)
        return await answered(graph.neighbours(who, name, predicates=predicate or (), hops=hops, limit=limit))

    @router.get(routes.ENTITIES + "/{name:path}", summary="An entity")
    async def entity(name: Name, tenant: Tenant = None, asker: Asker = None) -> NodeView:
        return await answered(graph.node(tenant_of(tenant, asker), name))

    @router.get(routes.PATHS, summary="The shortest ways between two entities")
    async def paths(
        start: Drug,
        end: Disease,
        tenant: Tenant = None,
        asker: Asker = None,
        hops: Annotated[int, Query(ge=1, le=MOST_HOPS)] = 3,
        limit: Limit = 5,
    ) -> Paths:
        return await answered(graph.paths(tenant_of(tenant, asker), start, end, hops=hops, limit=limit))

    @router.get(routes.EVIDENCE, summary="What documents say of an entity, or of two, and who denies it")
    async def evidence(
        subject: Drug,
        object: Annotated[str | None, Query(description=_NAME, max_length=300)] = None,  # noqa: A002 - its name
        tenant: Tenant = None,
        asker: Asker = None,
        predicate: Annotated[str | None, Query(description="Only this one, such as treats.")] = None,
        limit: Limit = 20,
        skip: Skip = 0,
    ) -> Statements:
        who = tenant_of(tenant, asker)
        return await answered(graph.evidence(who, subject, object, predicate, limit=limit, skip=skip))

    @router.get(routes.TRIALS, summary="What was tried for a condition, with what results")
    async def tried(
        condition: Disease,
        tenant: Tenant = None,
        asker: Asker = None,
        kind: Annotated[list[str] | None, Query(description="Only trials of such interventions, as DRUG.")] = None,
        limit: Limit = 20,
        skip: Skip = 0,
    ) -> Tried:
        who = tenant_of(tenant, asker)
        return await answered(trials.tried(who, condition, kinds=kind or (), limit=limit, skip=skip))

    return router


def cypher_route(server: GraphServer, timeout_s: float) -> APIRouter:
    """The path where whoever reaches the service asks in Cypher, of all tenants' graphs."""
    router = APIRouter(tags=["knowledge graph"], responses=REFUSALS)

    @router.post(routes.CYPHER, summary="Somebody's own Cypher, which reads all tenants' graphs")
    async def own_cypher(request: routes.CypherRequest) -> Rows:
        said = (request.statement, request.parameters)
        return await _answered(timeout_s, ask_cypher(server, *said, rows=request.limit, timeout_s=timeout_s))

    return router


async def _answered(timeout_s: float, question: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(timeout_s + 2 * PATIENCE_S):
            return await question
    except TimeoutError:
        raise GraphUnavailable(f"the graph did not answer within {timeout_s:g} s") from None
