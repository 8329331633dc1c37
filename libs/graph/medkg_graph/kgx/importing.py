"""KGX files into a tenant's graph."""

from pathlib import Path

from medkg_contracts.model import Contract

from medkg_graph.facts import transactions
from medkg_graph.server import GraphServer
from medkg_graph.writer import GraphWriter

from .reading import BadRow, Progress, Reading
from .spool import Spool


class Imported(Contract):
    """What became of the files.

    Attributes:
        documents: that were written; 0 if there were bad rows and they were not to be skipped.
        nodes: that they describe, each document for itself.
        edges: their claims.
        removed: claims that they had made before and make no more.
        bad_rows: of which nothing could be made.
        bad: the first of them.
    """

    documents: int = 0
    nodes: int = 0
    edges: int = 0
    removed: int = 0
    bad_rows: int = 0
    bad: tuple[BadRow, ...] = ()


async def import_graph(
    server: GraphServer,
    tenant: str,
    files: tuple[Path, Path],
    progress: Progress,
    *,
    name: str,
    source: str | None = None,
    skip_bad: bool = False,
) -> Imported:
    """Write what KGX files say, in place of what the same documents said before.

    Files that medkg has exported are documents as they were; all that another's files say is said by one document,
    ``kgx:<name>``. An import has no order: it stands until the next version of a document comes.

    Args:
        server: Neo4j.
        tenant: whose graph.
        files: of nodes, and of edges.
        progress: is told how many rows have been read.
        name: what files of others are known by.
        source: who says what an edge says that does not tell; such as ``infores:hpo-annotations``.
        skip_bad: write what is good although there are bad rows.

    Raises:
        GraphUnavailable: Neo4j did not answer; documents written so far are whole.
        InvalidInput: a file cannot be read at all, or has too many edges.
    """
    writer = GraphWriter(server)
    written = Imported()
    with Spool() as spool:
        reading = Reading(spool, progress)
        reading.read(*files, name, source)
        if not skip_bad:
            # What is wrong with whole documents shows when their facts are made.
            for _ in reading.facts(tenant, files[0]):
                pass
            if reading.bad_rows:
                return Imported(bad_rows=reading.bad_rows, bad=tuple(reading.bad))
        for together in transactions(reading.facts(tenant, files[0])):
            receipts = await writer.write(together)
            written = Imported(
                documents=written.documents + len(receipts),
                nodes=written.nodes + sum(each.nodes for each in receipts),
                edges=written.edges + sum(each.edges for each in receipts),
                removed=written.removed + sum(each.removed for each in receipts),
            )
    return written.model_copy(update={"bad_rows": reading.bad_rows, "bad": tuple(reading.bad)})
