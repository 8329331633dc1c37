"""Takes a tenant's graph out as KGX files, and brings such files into it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from medkg_graph import GraphServer
from medkg_graph.kgx.export import Exported, Progress, export_graph
from medkg_graph.kgx.files import Form
from medkg_graph.kgx.importing import Imported, import_graph
from medkg_graph.settings import GraphSettings

from .asking import quiet_driver

#: Seconds for which a page is asked for, or a transaction tried, again where Neo4j does not answer.
PATIENCE_S: Final = 30.0


async def export(settings: GraphSettings, tenant: str, prefix: str, form: Form, progress: Progress) -> Exported:
    """Write a tenant's graph to ``<prefix>_nodes.<form>`` and ``<prefix>_edges.<form>``, compressed after ``.gz``.

    Raises:
        GraphUnavailable: Neo4j does not answer.
        InvalidInput: the files cannot be written.
        Unfinished: the graph changed meanwhile.
    """
    async with _server_of(settings) as server:
        return await export_graph(server, tenant, prefix, form, progress)


async def import_files(
    settings: GraphSettings,
    tenant: str,
    files: tuple[Path, Path],
    progress: Progress,
    *,
    name: str | None = None,
    source: str | None = None,
    skip_bad: bool = False,
) -> Imported:
    """Write what files of nodes and of edges say into a tenant's graph, as `import_graph` does.

    Args:
        settings: where the graph is.
        tenant: whose it is.
        files: of nodes, and of edges.
        progress: is told how many rows have been read.
        name: what files of others are known by; None for the name of the file of edges.
        source: who says what an edge says that does not tell.
        skip_bad: write what is good although there are bad rows.

    Raises:
        GraphUnavailable: Neo4j does not answer.
        InvalidInput: a file cannot be read at all, or has too many edges.
    """
    known = name or files[1].name.partition(".")[0].removesuffix("_edges")
    async with _server_of(settings) as server:
        return await import_graph(server, tenant, files, progress, name=known, source=source, skip_bad=skip_bad)


@asynccontextmanager
async def _server_of(settings: GraphSettings) -> AsyncIterator[GraphServer]:
    quiet_driver()
    server = settings.connect(PATIENCE_S)
    try:
        yield server
    finally:
        await server.close()
