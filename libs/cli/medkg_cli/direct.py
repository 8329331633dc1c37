"""`medkg run --direct`: the same stages and decisions in this process, without Kafka and Redis."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from medkg_artifacts import ArtifactStore
from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.requests import DEFAULT_TENANT, JobRequest
from medkg_directrun import DirectRun
from medkg_ledger import JobState, JobStatus, Page
from medkg_operations.progress import Tally
from medkg_operations.requests import job_request, request_event
from medkg_routing import newest_plan
from medkg_stagekit import installed_stages
from medkg_topology.catalog import Catalog
from medkg_topology.plan import Plan

from .exits import ExitCode, fail, run
from .identity import SOURCE
from .output import JsonOption, print_json, show
from .progress_view import ProgressView, stage_times
from .settings import CliSettings, load_settings
from .status_view import job_data, jobs_view
from .submit import SourceArgument, TenantOption, TopologyOption, UntilOption


def run_jobs(  # noqa: PLR0913 - these are the options
    source: SourceArgument,
    ids: Annotated[list[str], typer.Argument(help="Ids of items; each is a job.")],
    *,
    direct: Annotated[bool, typer.Option("--direct", help="Say that it is meant so: in this process.")] = False,
    topology: TopologyOption = None,
    until: UntilOption = None,
    tenant: TenantOption = DEFAULT_TENANT,
    artifacts_dir: Annotated[Path | None, typer.Option(metavar="DIR", help="Where artifacts go.")] = None,
    json: JsonOption = False,
) -> None:
    """Run jobs in this process, without Kafka and Redis, for developing stages.

    medkg run --direct ctgov NCT05814159 --until chunk
    """
    if not direct:
        raise typer.BadParameter("only --direct runs jobs here; `medkg submit` asks the running services")
    settings = load_settings()
    events = [
        request_event(job_request(source, [item], topology=topology, until=until), source=SOURCE, tenant=tenant)
        for item in dict.fromkeys(ids)
    ]
    store = (
        ArtifactStore.from_url(settings.artifacts_url)
        if artifacts_dir is None
        else ArtifactStore(artifacts_dir.absolute())
    )
    tally = Tally()
    states = run(run_direct(settings, events, store, tally))
    if json:
        print_json([job_data(state) for state in states])
    else:
        show(stage_times(tally), jobs_view(Page(states)))
    if any(state.status is not JobStatus.COMPLETED for state in states):
        raise fail(ExitCode.FAILED)


async def run_direct(
    settings: CliSettings, events: Sequence[CloudEvent], store: ArtifactStore, tally: Tally
) -> list[JobState]:
    """Run the jobs that these events ask for; how they ended.

    Raises:
        ConfigurationError: a stage's service is not installed, or its settings are wrong.
    """
    catalog = Catalog(settings.topologies)

    def resolve(request: JobRequest) -> Plan:
        return newest_plan(request, catalog.resolve)

    logging.basicConfig(level=logging.WARNING)
    with ProgressView(tally) as view:

        def listen(event: CloudEvent) -> None:
            tally.hear(event)
            view.update()

        async with DirectRun(installed_stages(), store, resolve, listen) as direct:
            return list((await direct.run(events)).values())
