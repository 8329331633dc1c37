"""`medkg pause`, `resume` and `paused`: jobs, stages and tenants that wait because a person said so."""

from typing import Annotated

import typer
from medkg_contracts.errors import InvalidRequest
from medkg_contracts.kinds import Kind
from medkg_contracts.model import first_violation
from medkg_contracts.orders import ScopeOrder
from medkg_contracts.settings import Settings
from medkg_ledger import JobState, JobStatus, LedgerReader
from medkg_operations.control import order_event
from medkg_operations.stages import check_stages
from pydantic import ValidationError

from .exits import run
from .order_command import ByOption, ReasonOption, TimeoutOption, WaitOption, give, login
from .output import JsonOption, print_json, show, table
from .settings import load_settings

JobOption = Annotated[str | None, typer.Option(help="This job.")]
StageOption = Annotated[str | None, typer.Option(help="This stage's service.")]
TenantOption = Annotated[str | None, typer.Option(help="All jobs of this tenant.")]


def pause(  # noqa: PLR0913 - these are the options
    *,
    job: JobOption = None,
    stage: StageOption = None,
    tenant: TenantOption = None,
    reason: ReasonOption = "",
    by: ByOption = None,
    wait: WaitOption = True,
    timeout: TimeoutOption = 30.0,
    json: JsonOption = False,
) -> None:
    """Let a job, a stage or a tenant wait: no more work is begun for it until it is resumed. Nothing is lost.

    medkg pause --stage parse --reason "a new parser is coming"
    """
    order = scope_order(job, stage, tenant, by=by, reason=reason)
    settings = load_settings()
    if stage is not None:
        run(check_stages(settings, [stage]))
    event = order_event(Kind.CONTROL_PAUSE, order.subject, order)
    give(settings, [event], wait=wait, timeout_s=timeout, json=json)


def resume(  # noqa: PLR0913 - these are the options
    *,
    job: JobOption = None,
    stage: StageOption = None,
    tenant: TenantOption = None,
    reason: ReasonOption = "",
    by: ByOption = None,
    wait: WaitOption = True,
    timeout: TimeoutOption = 30.0,
    json: JsonOption = False,
) -> None:
    """Let a paused job, stage or tenant go on; alone, `medkg resume` ends all drains."""
    settings = load_settings()
    if job is stage is tenant is None:
        drained = [scope.partition(":")[2] for scope in run(_scopes(settings)) if scope.startswith("drain:")]
        orders = [ScopeOrder(scope="stage", name=name, drain=True, by=by or login(), reason=reason) for name in drained]
    else:
        orders = [scope_order(job, stage, tenant, by=by, reason=reason)]
    events = [order_event(Kind.CONTROL_RESUME, order.subject, order) for order in orders]
    if events:
        give(settings, events, wait=wait, timeout_s=timeout, json=json)
    else:
        print_json([]) if json else typer.echo("nothing is drained; `medkg paused` shows what else waits")


def paused(*, json: JsonOption = False) -> None:
    """Show what is paused or drained: stages, tenants and jobs."""
    settings = load_settings()
    scopes, jobs = run(_scopes(settings)), run(_paused_jobs(settings))
    if json:
        print_json({"scopes": scopes, "jobs": [job.job_id for job in jobs]})
        return
    rows = [(*_named(scope), f"medkg resume --{_option(scope)}") for scope in scopes]
    rows += [("job", job.job_id, f"medkg resume --job {job.job_id}") for job in jobs]
    show(table(None, ("paused", "name", "to go on"), rows) if rows else "nothing is paused")


def scope_order(
    job: str | None, stage: str | None, tenant: str | None, *, by: str | None, reason: str, drain: bool = False
) -> ScopeOrder:
    """The order about the one scope that is given.

    Raises:
        InvalidRequest: it has characters that it cannot have.
    """
    given = [(scope, name) for scope, name in (("job", job), ("stage", stage), ("tenant", tenant)) if name is not None]
    if len(given) != 1:
        raise typer.BadParameter("give exactly one of --job, --stage and --tenant")
    ((scope, name),) = given
    try:
        return ScopeOrder.model_validate(
            {"scope": scope, "name": name, "drain": drain, "by": by or login(), "reason": reason}
        )
    except ValidationError as error:
        raise InvalidRequest(first_violation(error)) from error


async def _scopes(settings: Settings) -> list[str]:
    """The scopes that are paused: ``stage:<name>``, ``drain:<name>``, ``tenant:<name>``."""
    ledger = LedgerReader.from_url(settings.redis_url)
    try:
        return sorted(await ledger.paused())
    finally:
        await ledger.close()


async def _paused_jobs(settings: Settings) -> list[JobState]:
    ledger = LedgerReader.from_url(settings.redis_url)
    try:
        running = ledger.each_job({"state": str(JobStatus.RUNNING)})
        return [job async for job in running if job.paused]
    finally:
        await ledger.close()


def _named(scope: str) -> tuple[str, str]:
    kind, _, name = scope.partition(":")
    return ("stage (drained)" if kind == "drain" else kind), name


def _option(scope: str) -> str:
    kind, _, name = scope.partition(":")
    return f"{'stage' if kind == 'drain' else kind} {name}"
