"""`medkg job`: runs a job again, or cancels one."""

from typing import Annotated

import typer
from medkg_contracts.kinds import Kind
from medkg_contracts.orders import Order, RerunOrder
from medkg_contracts.settings import Settings
from medkg_operations.batches import cancel_batch, is_batch, rerun_batch
from medkg_operations.control import Answer, order_event, rerun_order
from medkg_operations.views import ledger_of

from .exits import ExitCode, fail, run
from .identity import SOURCE, login
from .order_command import ByOption, ReasonOption, TimeoutOption, WaitOption, give_and_tell
from .output import JsonOption, counts_text, print_json, say, show
from .progress_bar import ProgressBar
from .settings import load_settings

#: So many of a batch's jobs that could not be run again are named, with the reason.
REFUSALS_SHOWN = 5

app = typer.Typer(no_args_is_help=True, help="Orders about a job.")


@app.command()
def rerun(  # noqa: PLR0913 - these are the options
    job: Annotated[str, typer.Argument(metavar="JOB|BATCH", help="A job, or a batch with all that did not complete.")],
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
    """Run a job again, from a stage or from where it failed or waits for its next try; what came before is kept.

    Of a batch, its own job and all its jobs that failed or were cancelled are run again.

    medkg job rerun JOB --from chunk
    """
    order = rerun_order(by or login(), reason, from_, latest=latest)
    settings = load_settings()
    if not run(_is_batch(settings, job)):
        event = order_event(Kind.CONTROL_RERUN, job, order, source=SOURCE)
        give_and_tell(settings, [event], wait=wait, timeout_s=timeout, json=json)
        return
    if not wait:
        raise typer.BadParameter("a batch is run again page by page, which needs the answers; leave out --no-wait")
    answers = run(_rerun_batch(settings, job, order, timeout))
    refused = [answer for answer in answers if not answer.obeyed]
    _end_batch(answers, json=json, refused="refused")
    if refused:
        for answer in refused[:REFUSALS_SHOWN]:
            say(f"{answer.about}: {answer.refusal}")
        raise fail(ExitCode.REFUSED)


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
        event = order_event(Kind.CONTROL_CANCEL, job, order, source=SOURCE)
        give_and_tell(settings, [event], wait=wait, timeout_s=timeout, json=json)
        return
    if not wait:
        raise typer.BadParameter("a batch is cancelled page by page, which needs the answers; leave out --no-wait")
    _end_batch(run(_cancel_batch(settings, job, order, timeout)), json=json)


async def _is_batch(settings: Settings, job_id: str) -> bool:
    async with ledger_of(settings) as ledger:
        return await is_batch(ledger, job_id)


async def _cancel_batch(settings: Settings, batch_id: str, order: Order, timeout_s: float) -> list[Answer]:
    with ProgressBar("jobs cancelled") as bar:
        async with ledger_of(settings) as ledger:
            return await cancel_batch(
                settings, ledger, batch_id, order, timeout_s, lambda answers: bar.show(len(answers)), source=SOURCE
            )


async def _rerun_batch(settings: Settings, batch_id: str, order: RerunOrder, timeout_s: float) -> list[Answer]:
    with ProgressBar("jobs restarted") as bar:
        async with ledger_of(settings) as ledger:
            return await rerun_batch(
                settings, ledger, batch_id, order, timeout_s, lambda answers: bar.show(len(answers)), source=SOURCE
            )


def _end_batch(answers: list[Answer], *, json: bool, refused: str = "ended before") -> None:
    counts: dict[str, int] = {}
    for answer in answers:
        result = refused if answer.result == "refused" else answer.result
        counts[result] = counts.get(result, 0) + 1
    if json:
        print_json({"counts": counts, "jobs": [answer.data() for answer in answers]})
    elif counts:
        show(counts_text(counts))
    else:
        typer.echo("none of its jobs is running")
    if any(answer.kind is None for answer in answers):
        raise fail(ExitCode.FAILED)
