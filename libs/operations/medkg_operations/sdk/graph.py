"""The knowledge graph, in the hands of a program."""

from collections.abc import Sequence
from urllib.parse import quote

from medkg_graph import routes
from medkg_graph.trials import Tried
from medkg_graph.views import Found, Neighbourhood, NodeView, Paths, Statements

from medkg_operations.search import Asked, SearchClient


class Graph:
    """Questions to the knowledge graph; made by `Client.graph`.

    Entities are named by id, such as ``MESH:D007405``, a study by its number, or by a name that only one has.

    Every question raises NotFound if the tenant's graph has no such entity, InvalidRequest if a name is several
    entities' or a predicate none, Unfinished if it takes too long, GraphUnavailable if Neo4j does not answer, and
    SearchUnavailable if the search service does not.
    """

    def __init__(self, service: SearchClient, tenant: str) -> None:
        self._service = service
        self._tenant = tenant

    async def find(self, text: str, *, limit: int = 10, tenant: str | None = None) -> Found:
        """The entities whose names have these words, or that have this id, the best first."""
        return await self._service.get(routes.ENTITIES, Found, self._of(tenant), {"text": text, "limit": limit})

    async def entity(self, name: str, *, tenant: str | None = None) -> NodeView:
        """An entity, with its attributes and how many documents say something of it."""
        return await self._service.get(f"{routes.ENTITIES}/{quote(name)}", NodeView, self._of(tenant))

    async def neighbours(
        self, name: str, *, predicates: Sequence[str] = (), hops: int = 1, limit: int = 50, tenant: str | None = None
    ) -> Neighbourhood:
        """What is one or two statements away, the nearest first, each with the evidence on one way there."""
        path = f"{routes.ENTITIES}/{quote(name)}/neighbours"
        asked: Asked = {"predicate": list(predicates) or None, "hops": hops, "limit": limit}
        return await self._service.get(path, Neighbourhood, self._of(tenant), asked)

    async def paths(self, start: str, end: str, *, hops: int = 3, limit: int = 5, tenant: str | None = None) -> Paths:
        """The shortest ways from one entity to another, with the evidence of each step."""
        asked: Asked = {"start": start, "end": end, "hops": hops, "limit": limit}
        return await self._service.get(routes.PATHS, Paths, self._of(tenant), asked)

    async def evidence(
        self,
        subject: str,
        object: str | None = None,  # noqa: A002 - its name
        *,
        predicate: str | None = None,
        limit: int = 20,
        skip: int = 0,
        tenant: str | None = None,
    ) -> Statements:
        """What documents say of an entity, or of two: who says so, where, and who denies it."""
        asked: Asked = {"subject": subject, "object": object, "predicate": predicate, "limit": limit, "skip": skip}
        return await self._service.get(routes.EVIDENCE, Statements, self._of(tenant), asked)

    async def trials(
        self, condition: str, *, kinds: Sequence[str] = (), limit: int = 20, skip: int = 0, tenant: str | None = None
    ) -> Tried:
        """What was tried for a condition and those below it, and with what results; of `kinds` such as ``DRUG``."""
        asked: Asked = {"condition": condition, "kind": list(kinds) or None, "limit": limit, "skip": skip}
        return await self._service.get(routes.TRIALS, Tried, self._of(tenant), asked)

    def _of(self, tenant: str | None) -> str:
        return tenant or self._tenant
