"""`medkg ledger`: rebuilds the ledger from Kafka, and brings jobs of an older system into it."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from medkg_operations.migrate import MigrationReport
from medkg_operations.migrate import migrate as migrate_jobs
from medkg_operations.rebuild import Progress
from medkg_operations.rebuild import rebuild as rebuild_ledger

from .exits import ExitCode, fail, run
from .identity import SOURCE
from .output import JsonOption, print_json, say
from .progress_bar import ProgressBar
from .settings import load_settings

app = typer.Typer(no_args_is_help=True, help="The state of every job, in Redis.")


#: So many lines that are no job's record are listed.
ERRORS_SHOWN = 20


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
        typer.confirm(f"Delete all that the ledger at {settings.addresses()['MK_REDIS_URL']} knows?", abort=True)
    report = run(rebuild_ledger(settings, _tell, wipe=wipe))
    if json:
        print_json(report)
        return
    typer.echo(f"{report.jobs} jobs from {report.records} records")
    if report.unreadable:
        typer.echo(f"{report.unreadable} records are no events; they stand in a DLQ")
    if report.undecided:
        typer.echo(f"{report.undecided} requests have no verdict in Kafka; submit them again")
    if report.lost:
        typer.echo(f"{report.lost} jobs could not be rebuilt: Kafka does not have their requests any more")
    if report.paused:
        typer.echo(f"paused again: {', '.join(report.paused)}")


@app.command()
def migrate(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.jsonl", help="The export: a job's record as JSON on each line.")
    ],
    *,
    json: JsonOption = False,
) -> None:
    """Bring the jobs of an older system into the ledger; those that are there already are left as they are.

    What had not ended there has failed here with in_flight_elsewhere, and `medkg job rerun JOB --latest` runs it.
    Lines that are no job's record go to FILE.rejected.jsonl; correct them there and migrate that file.
    """
    with ProgressBar("jobs migrated") as bar:
        report = run(migrate_jobs(load_settings(), file, bar.show, source=SOURCE))
    if json:
        print_json(report)
    else:
        _show_migration(report)
    if report.errors:
        raise fail(ExitCode.FAILED)


def _show_migration(report: MigrationReport) -> None:
    typer.echo(f"{report.migrated} jobs migrated, {report.skipped} were there already")
    for bad in report.errors[:ERRORS_SHOWN]:
        say(f"line {bad.line}: {bad.reason}")
    if len(report.errors) > ERRORS_SHOWN:
        say(f"and {len(report.errors) - ERRORS_SHOWN} more")
    if report.rejected:
        say(f"{len(report.errors)} lines are no job's record; they are in {report.rejected}")


def _tell(progress: Progress) -> None:
    say(
        f"partition {progress.partitions_done}/{progress.partitions}: "
        f"{progress.records} records read, {progress.jobs} jobs written"
    )
