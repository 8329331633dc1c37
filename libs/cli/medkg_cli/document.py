"""`medkg document`: removes documents from the search index and the knowledge graph."""

from typing import Annotated

import typer
from medkg_contracts.requests import DEFAULT_TENANT
from medkg_operations.documents import DocumentRemoval, remove_document
from rich.text import Text

from .exits import run
from .identity import SOURCE
from .output import JsonOption, print_json, say, show
from .settings import load_settings

app = typer.Typer(no_args_is_help=True, help="Documents in the search index and the graph.")


@app.callback()  # without one Typer makes the only command the whole
def _document() -> None:
    """Documents in the search index and the graph."""


@app.command()
def delete(
    document: Annotated[str, typer.Argument(metavar="DOCUMENT", help="Its id, such as ctgov:NCT05814159.")],
    *,
    tenant: Annotated[str, typer.Option(help="Whose document it is.")] = DEFAULT_TENANT,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what there is of it.")] = False,
    json: JsonOption = False,
) -> None:
    """Remove a document from the search index, with all its vectors, and from the graph; its jobs and artifacts stay.

    A job that indexes it meanwhile brings it back: cancel that first.

    medkg document delete ctgov:NCT05814159 --tenant public
    """
    removal = run(remove_document(load_settings(), tenant, document, source=SOURCE, dry_run=dry_run))
    if json:
        print_json(removal)
    else:
        show(Text(removal_text(removal, dry_run=dry_run)))
    if removal.unfinished:
        say(
            f"{removal.unfinished} of its versions may be in the work of a job, which then brings the document back: "
            "see `medkg status`, and cancel the job before."
        )


def removal_text(removal: DocumentRemoval, *, dry_run: bool) -> str:
    """What was removed, or would be, in a sentence."""
    if not removal.records and not removal.vectors and not removal.claims:
        places = "in the index" if removal.claims is None else "in the index or the graph"
        return f"nothing of {removal.document_id} is {places} of tenant {removal.tenant}"
    counts = [_count(removal.records, "record"), _count(removal.vectors, "vector")]
    if removal.claims is not None:
        counts.append(_count(removal.claims, "claim"))
    what = f"{', '.join(counts[:-1])} and {counts[-1]} of {removal.document_id}"
    return f"would remove {what}" if dry_run else f"removed {what}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
