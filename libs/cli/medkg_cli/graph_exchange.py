"""The graph as KGX files, out and in."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer
from medkg_contracts.requests import DEFAULT_TENANT
from medkg_operations.graph import exchange

from .exits import ExitCode, fail, run
from .output import JsonOption, print_json, say, show, table
from .progress_bar import ProgressBar
from .settings import load_settings

#: So many bad rows are shown; ``--json`` has more.
_SHOWN: Final = 10


class Format(StrEnum):
    """Of files: tables with tabs, or lines of JSON."""

    TSV = "tsv"
    JSONL = "jsonl"


def export(
    prefix: Annotated[
        str,
        typer.Argument(metavar="FILE_PREFIX", help="The files are FILE_PREFIX_nodes.tsv and FILE_PREFIX_edges.tsv."),
    ],
    *,
    format_: Annotated[Format, typer.Option("--format", help="Of the files.")] = Format.TSV,
    tenant: Annotated[str, typer.Option(help="Whose graph.")] = DEFAULT_TENANT,
    json: JsonOption = False,
) -> None:
    """Write the graph to KGX files: nodes and edges; compressed if FILE_PREFIX ends with .gz.

    The same graph makes the same bytes.

    medkg graph export --format jsonl back-pain.gz
    """
    with ProgressBar("nodes and edges written") as bar:
        made = run(exchange.export(load_settings(), tenant, prefix, format_.value, bar.show))
    if json:
        print_json(made)
    else:
        rows = [(str(path), f"{count:,}") for path, count in zip(made.files, (made.nodes, made.edges), strict=True)]
        show(table(f"{made.documents:,} documents", ("file", "rows"), rows, numbers=("rows",)))


def import_(
    nodes: Annotated[Path, typer.Argument(metavar="NODES", help="The file of nodes: .tsv or .jsonl, and .gz.")],
    edges: Annotated[Path, typer.Argument(metavar="EDGES", help="The file of edges.")],
    *,
    name: Annotated[
        str | None, typer.Option(help="What files of others are known by; else the name of EDGES. Again: they replace.")
    ] = None,
    source: Annotated[
        str | None, typer.Option(metavar="INFORES", help="Who says so, where an edge does not tell.")
    ] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Write the good rows although there are bad ones.")
    ] = False,
    tenant: Annotated[str, typer.Option(help="Whose graph.")] = DEFAULT_TENANT,
    json: JsonOption = False,
) -> None:
    """Write KGX files into the graph: those of medkg as the documents that they were, others as one document.

    With bad rows nothing is written, unless they are to be skipped.

    medkg graph import nodes.tsv edges.tsv --source infores:hpo-annotations
    """
    with ProgressBar("rows read") as bar:
        made = run(
            exchange.import_files(
                load_settings(), tenant, (nodes, edges), bar.show, name=name, source=source, skip_bad=skip_bad
            )
        )
    if json:
        print_json(made)
    else:
        for bad in made.bad[:_SHOWN]:
            say(f"{bad.file}:{bad.line}: {bad.problem}" if bad.line else f"{bad.file}: {bad.problem}")
        counts = {
            "documents": made.documents, "nodes": made.nodes, "edges": made.edges,
            "edges removed": made.removed, "bad rows": made.bad_rows,
        }  # fmt: skip
        show(table(None, ("", "number"), [(what, f"{count:,}") for what, count in counts.items()], numbers=("number",)))
    if made.bad_rows:
        raise fail(ExitCode.FAILED if skip_bad else ExitCode.REFUSED)
