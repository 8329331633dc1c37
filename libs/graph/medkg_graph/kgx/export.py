"""A tenant's graph into KGX files: the same graph makes the same bytes."""

from collections.abc import Callable
from pathlib import Path

from medkg_contracts.errors import Unfinished
from medkg_contracts.ids import digest
from medkg_contracts.model import Contract

from medkg_graph.server import GraphServer
from medkg_graph.walk import GraphWalk

from .files import Form, RecordWriter, paths_of
from .records import EDGE_COLUMNS, NODE_COLUMNS, edge_record, node_record

#: Is told how many nodes and edges are there already.
Progress = Callable[[int], None]


class Exported(Contract):
    """What was written.

    Attributes:
        documents: that say something in the graph.
        files: of nodes, and of edges.
    """

    documents: int
    nodes: int
    edges: int
    files: tuple[Path, Path]


async def export_graph(server: GraphServer, tenant: str, prefix: str, form: Form, progress: Progress) -> Exported:
    """Write all of a tenant's graph; no more of it is in memory than a page.

    Args:
        server: Neo4j.
        tenant: whose graph.
        prefix: of the files; if it ends with ``.gz`` they are compressed.
        form: of the files.
        progress: is told how many nodes and edges have been read.

    Raises:
        GraphUnavailable: Neo4j did not answer.
        InvalidInput: the files cannot be written.
        Unfinished: the graph changed meanwhile; there are no files.
    """
    walk = GraphWalk(server)
    nodes_path, edges_path = paths_of(prefix, form)
    documents, before = 0, digest()
    with (
        RecordWriter(nodes_path, form, NODE_COLUMNS) as nodes,
        RecordWriter(edges_path, form, EDGE_COLUMNS) as edges,
    ):
        async for document in walk.documents(tenant):
            documents, before = documents + 1, digest(before, document.id, document.digest)
            async for claim in walk.claims(tenant, document):
                edges.write(edge_record(claim))
                progress(edges.written)
        async for entity in walk.entities(tenant):
            nodes.write(node_record(entity))
            progress(edges.written + nodes.written)
        if await _fingerprint(walk, tenant) != before:
            raise Unfinished(
                f"the graph of tenant {tenant!r} changed while it was written to files",
                remedy="Export it again when no document is on its way.",
            )
    return Exported(documents=documents, nodes=nodes.written, edges=edges.written, files=(nodes_path, edges_path))


async def _fingerprint(walk: GraphWalk, tenant: str) -> str:
    found = digest()
    async for document in walk.documents(tenant):
        found = digest(found, document.id, document.digest)
    return found
