"""`medkg ledger`: rebuilds the ledger from Kafka."""

import sys
from typing import Annotated

import typer

from .exits import run
from .output import JsonOption, print_json, say
from .rebuild import Progress
from .rebuild import rebuild as rebuild_ledger
from .settings import load_settings

app = typer.Typer(no_args_is_help=True, help="The state of every job, in Redis.")


@app.callback()
def _ledger() -> None:
    """Without this, typer would fold the only command into its group."""


@app.command()
def rebuild(
    *,
    wipe: Annotated[bool, typer.Option("--wipe", help="Empty the ledger first.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before emptying it.")] = False,
    json: JsonOption = False,
) -> None:
    """Fill the ledger again from Kafka. No router may run meanwhile."""
    settings = load_settings()
    if wipe and not yes:
        if not sys.stdin.isatty():
            raise typer.BadParameter("--wipe without a terminal to ask at needs --yes")
        typer.confirm(f"Delete all that the ledger at {settings.redis_url} knows?", abort=True)
    report = run(rebuild_ledger(settings, _tell, wipe=wipe))
    if json:
        print_json(report)
        return
    typer.echo(f"{report.jobs} jobs from {report.records} records")
    if report.unreadable:
        typer.echo(f"{report.unreadable} records are no events; they stand in a DLQ")
    if report.undecided:
        typer.echo(f"{report.undecided} requests had no verdict yet; the router decides them when it starts")


def _tell(progress: Progress) -> None:
    say(
        f"partition {progress.partitions_done}/{progress.partitions}: "
        f"{progress.records} records read, {progress.jobs} jobs written"
    )
