"""`medkg job`: runs a job again, or cancels one."""

from collections.abc import AsyncIterator
from typing import Annotated

import typer
from medkg_contracts.errors import InvalidRequest, NotFound
from medkg_contracts.kinds import Kind
from medkg_contracts.model import first_violation
from medkg_contracts.orders import Order, RerunOrder
from medkg_contracts.settings import Settings
from medkg_ledger import JobStatus, LedgerReader
from medkg_operations.control import Answer, Control, order_event
from pydantic import ValidationError

from .exits import ExitCode, fail, run
from .order_command import ByOption, ReasonOption, TimeoutOption, WaitOption, give, login
from .output import JsonOption, counts_text, print_json, show
from .progress_bar import ProgressBar
from .settings import load_settings

#: Jobs of a batch that are cancelled at once.
PAGE = 500

app = typer.Typer(no_args_is_help=True, help="Orders about a job.")


@app.command()
def rerun(  # noqa: PLR0913 - these are the options
    job: Annotated[str, typer.Argument(metavar="JOB", help="The job's id.")],
    *,
    from_: Annotated[
        str | None,
        typer.Option("--from", metavar="STAGE", help="This stage and all that depend on it; else where it failed."),
    ] = None,
    latest: Annotated[
        bool, typer.Option("--latest", help="On the newest version of the topology instead of the job's own.")
    ] = False,
    reason: ReasonOption = "",
    by: ByOption = None,
    wait: WaitOption = True,
    timeout: TimeoutOption = 30.0,
    json: JsonOption = False,
) -> None:
    """Run a job again, from a stage or from where it failed; what came before is kept and not done again.

    medkg job rerun JOB --from chunk
    """
    try:
        order = RerunOrder(by=by or login(), reason=reason, stage=from_, latest=latest)
    except ValidationError as error:
        raise InvalidRequest(first_violation(error)) from error
    event = order_event(Kind.CONTROL_RERUN, job, order)
    give(load_settings(), [event], wait=wait, timeout_s=timeout, json=json)


@app.command()
def cancel(
    job: Annotated[str, typer.Argument(metavar="JOB|BATCH", help="A job, or a batch with all its running jobs.")],
    *,
    reason: ReasonOption = "",
    by: ByOption = None,
    wait: WaitOption = True,
    timeout: TimeoutOption = 30.0,
    json: JsonOption = False,
) -> None:
    """Cancel a job, or a batch with all its running jobs: queued work is dropped, running work ends and does not count.

    medkg job cancel JOB --reason "wrong query"
    """
    settings = load_settings()
    order = Order(by=by or login(), reason=reason)
    if not run(_is_batch(settings, job)):
        event = order_event(Kind.CONTROL_CANCEL, job, order)
        give(settings, [event], wait=wait, timeout_s=timeout, json=json)
        return
    if not wait:
        raise typer.BadParameter("a batch is cancelled page by page, which needs the answers; leave out --no-wait")
    _end_batch(run(_cancel_batch(settings, job, order, timeout)), json=json)


async def _is_batch(settings: Settings, job_id: str) -> bool:
    ledger = LedgerReader.from_url(settings.redis_url)
    try:
        entry = f"batch:{job_id}"
        items = (await ledger.counts([entry]))[entry]
        if not items and await ledger.get(job_id) is None:
            raise NotFound(f"the ledger knows no job and no batch {job_id!r}")
        return items > 0
    finally:
        await ledger.close()


async def _cancel_batch(settings: Settings, batch_id: str, order: Order, timeout_s: float) -> list[Answer]:
    """Cancel the batch's own job first, so that it becomes no further ones, and then all that it has become."""
    ledger = LedgerReader.from_url(settings.redis_url)
    answers: list[Answer] = []
    try:
        async with Control(settings) as control:
            with ProgressBar("jobs cancelled") as bar:
                async for page in _running(ledger, batch_id):
                    events = [order_event(Kind.CONTROL_CANCEL, job_id, order) for job_id in page]
                    answers += await control.ask(events, timeout_s)
                    bar.show(len(answers))
                    if any(answer.kind is None for answer in answers):
                        break
    finally:
        await ledger.close()
    return answers


async def _running(ledger: LedgerReader, batch_id: str) -> AsyncIterator[list[str]]:
    """The batch's own job and then its running ones, page by page, until there are no others any more."""
    own = await ledger.get(batch_id)
    if own is not None and not own.ended:
        yield [batch_id]
    filters = {"batch": batch_id, "state": str(JobStatus.RUNNING)}
    seen: set[str] = set()
    while page := {job.job_id for job in (await ledger.jobs(filters, limit=PAGE)).jobs} - seen:
        yield sorted(page)
        seen |= page


def _end_batch(answers: list[Answer], *, json: bool) -> None:
    counts: dict[str, int] = {}
    for answer in answers:
        result = "ended before" if answer.result == "refused" else answer.result
        counts[result] = counts.get(result, 0) + 1
    if json:
        print_json({"counts": counts, "jobs": [answer.data() for answer in answers]})
    elif counts:
        show(counts_text(counts))
    else:
        typer.echo("none of its jobs is running")
    if any(answer.kind is None for answer in answers):
        raise fail(ExitCode.FAILED)
