"""`medkg submit`: asks for jobs."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.requests import DEFAULT_TENANT, JobRequest, Priority
from medkg_operations.progress import Tally
from medkg_operations.requests import check_before_sending, job_request, publish, request_event
from medkg_operations.waiting import publish_and_wait
from rich.table import Table
from rich.text import Text

from .arguments import ids_of_file, read_ids, read_pairs
from .exits import ExitCode, fail, run
from .identity import SOURCE
from .output import JsonOption, coloured, counts_text, print_json, say, show, table
from .progress_view import ProgressView, stage_times
from .settings import load_settings

#: So many jobs that did not complete are listed at the end.
FAILURES_SHOWN = 20

SourceArgument = Annotated[str, typer.Argument(help="Where the items come from, such as ctgov.")]
IdsArgument = Annotated[list[str] | None, typer.Argument(help="Ids of items: one is a job, several are a batch.")]
TopologyOption = Annotated[str | None, typer.Option(help="The topology's name; else the one that takes the source.")]
UntilOption = Annotated[str | None, typer.Option(metavar="STAGE", help="Stop after this stage.")]
TenantOption = Annotated[str, typer.Option(help="Whose jobs they are.")]


def submit(  # noqa: PLR0913 - these are the options
    source: SourceArgument,
    ids: IdsArgument = None,
    *,
    ids_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A file of ids, one a line; - reads standard input.")
    ] = None,
    query: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE", help="A parameter of the source's search, such as cond='breast cancer'; repeatable."
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Of a query, at most so many items.")] = None,
    topology: TopologyOption = None,
    until: UntilOption = None,
    skip_completed: Annotated[
        bool, typer.Option("--skip-completed", help="Do not repeat work that was done before.")
    ] = False,
    priority: Annotated[
        Priority, typer.Option(help="Which of the tenant's own jobs go first; other tenants' are not behind them.")
    ] = "normal",
    tenant: TenantOption = DEFAULT_TENANT,
    job_id: Annotated[
        str | None, typer.Option(help="The job's id; asking twice for the same id is asking once.")
    ] = None,
    metadata: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Travels with the job; repeatable.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until all jobs have ended.")] = False,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds that --wait waits at most.")] = 600.0,
    json: JsonOption = False,
) -> None:
    """Ask for jobs; prints the job's id, or the batch's.

    One id is a job. Several ids, a file or a query are a batch, each of whose items becomes a job.

    medkg submit ctgov NCT05814159 --wait
    """
    request = job_request(
        source,
        [*(ids or ()), *_file_ids(ids_file)],
        read_pairs("--query", query or ()),
        limit=limit,
        topology=topology,
        until=until,
        skip_completed=skip_completed,
        priority=priority,
        metadata=read_pairs("--metadata", metadata or ()),
    )
    event = request_event(request, source=SOURCE, tenant=tenant, job=job_id)
    settings = load_settings()
    if job_id is not None:
        run(check_before_sending(settings, event))
    if not wait:
        run(publish(settings, [event]))
        _print_asked(request, event, json=json)
        return
    tally = Tally()
    with ProgressView(tally) as view:
        run(publish_and_wait(settings, [event], tally, timeout, view.update, say))
    _print_ended(request, event, tally, json=json)
    if not tally.all_completed():
        raise fail(ExitCode.FAILED)


def _file_ids(file: Path | None) -> list[str]:
    if file is None:
        return []
    return read_ids(sys.stdin.buffer.read()) if str(file) == "-" else ids_of_file(file)


def _print_asked(request: JobRequest, event: CloudEvent, *, json: bool) -> None:
    job_id = event.extensions["jobid"]
    if json:
        print_json(_asked_data(request, event))
    else:
        typer.echo(job_id)


def _print_ended(request: JobRequest, event: CloudEvent, tally: Tally, *, json: bool) -> None:
    if json:
        errors = {job_id: {"stage": stage, **info.model_dump()} for job_id, (stage, info) in tally.errors.items()}
        data = {**_asked_data(request, event), "counts": tally.counts(), "jobs": tally.jobs, "errors": errors}
        if event.extensions["jobid"] in tally.expected:
            data["items"] = tally.expected[event.extensions["jobid"]]
        print_json(data)
        return
    typer.echo(event.extensions["jobid"])
    show(Text.assemble("jobs: ", counts_text(tally.counts())))
    if tally.expected.get(event.extensions["jobid"]) == 0:
        show("the query found nothing: the batch has no items")
    if tally.stages:
        show(stage_times(tally))
    if tally.errors:
        show(failures(tally))


def _asked_data(request: JobRequest, event: CloudEvent) -> dict[str, object]:
    return {
        "batch_id" if request.is_batch else "job_id": event.extensions["jobid"],
        "tenant": event.extensions["tenantid"],
        "event_id": event.id,
    }


def failures(tally: Tally) -> Table:
    """The jobs that did not end well, and what to do about them."""
    return table(
        "Not completed",
        ("job", "status", "stage", "error", "remedy"),
        (
            (job_id, coloured(tally.jobs.get(job_id, "")), stage or "", f"[{info.code}] {info.message}", info.remedy)
            for job_id, (stage, info) in list(tally.errors.items())[:FAILURES_SHOWN]
        ),
    )
