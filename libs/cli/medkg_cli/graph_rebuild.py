"""`medkg graph rebuild`: the graph, brought back to what artifacts say."""

from typing import Annotated

import typer
from medkg_contracts.requests import DEFAULT_TENANT
from medkg_operations.graph.rebuild import RebuildReport, rebuild_graph

from .exits import ExitCode, fail, run
from .output import JsonOption, print_json, say
from .progress_bar import ProgressBar
from .settings import load_settings

#: So many documents that cannot be read are named.
UNREADABLE_SHOWN = 20


def rebuild(
    *,
    tenant: Annotated[str, typer.Option(help="Whose graph.")] = DEFAULT_TENANT,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing, say what differs, and exit with 1 if anything does.")
    ] = False,
    without_index: Annotated[
        bool,
        typer.Option(
            "--without-index", help="OpenSearch is lost as well: documents that were deleted may come back with this."
        ),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Bring the graph to just what the artifacts of the tenant's jobs say: what is missing comes, what is wrong goes.

    Jobs may go on. After an interruption, start it again.

    medkg graph rebuild --dry-run
    """
    with ProgressBar("documents compared") as bar:
        report = run(rebuild_graph(load_settings(), tenant, bar.show, dry_run=dry_run, without_index=without_index))
    if json:
        print_json(report)
    else:
        for line in lines(report, dry_run=dry_run):
            typer.echo(line)
        for document_id, reason in [*report.unreadable.items()][:UNREADABLE_SHOWN]:
            say(f"{document_id}: {reason}")
    if report.unreadable or (dry_run and report.differs):
        raise fail(ExitCode.FAILED)


def lines(report: RebuildReport, *, dry_run: bool) -> list[str]:
    """What was found and done, a sentence a line."""
    would = "would be " if dry_run else ""
    told = [f"{report.documents} documents, of which the graph had {report.exact} just as they are"]
    if report.mended:
        told.append(
            f"{report.mended} {would}written: {report.claims_added} claims more, {report.claims_removed} taken out"
        )
    if report.removed:
        told.append(f"{report.removed} {would}removed, since they are not to be there")
    if report.differing:
        told.append(f"they are {', '.join(report.differing)}" + (", …" if _more(report) else ""))
    if report.strays:
        told.append(f"{report.strays} relationships and entities of no document {would}deleted")
    if report.later:
        told.append(f"{report.later} have come in a later version, or are removed, and were left alone")
    if report.unknown:
        told.append(f"{report.unknown} are of jobs that the ledger does not know, and were kept")
    if report.unreadable:
        told.append(f"{len(report.unreadable)} have no artifacts that can be read: run their jobs again")
    return told


def _more(report: RebuildReport) -> bool:
    return len(report.differing) < report.mended + report.removed
