"""`medkg pause`, `resume` and `paused`: jobs, stages and tenants that wait because a person said so."""

from typing import Annotated

import typer
from medkg_contracts.kinds import Kind
from medkg_contracts.orders import ScopeOrder
from medkg_operations import pauses
from medkg_operations.control import Scope, order_event, scope_order
from medkg_operations.pauses import drained_stages
from medkg_operations.stages import check_stages

from .exits import run
from .identity import SOURCE, login
from .order_command import ByOption, ReasonOption, TimeoutOption, WaitOption, give_and_tell
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
    order = order_about(job, stage, tenant, by=by, reason=reason)
    settings = load_settings()
    if stage is not None:
        run(check_stages(settings, [stage]))
    event = order_event(Kind.CONTROL_PAUSE, order.subject, order, source=SOURCE)
    give_and_tell(settings, [event], wait=wait, timeout_s=timeout, json=json)


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
        drained = run(drained_stages(settings))
        orders = [scope_order("stage", name, by or login(), reason, drain=True) for name in drained]
    else:
        orders = [order_about(job, stage, tenant, by=by, reason=reason)]
    events = [order_event(Kind.CONTROL_RESUME, order.subject, order, source=SOURCE) for order in orders]
    if events:
        give_and_tell(settings, events, wait=wait, timeout_s=timeout, json=json)
    else:
        print_json([]) if json else typer.echo("nothing is drained; `medkg paused` shows what else waits")


def paused(*, json: JsonOption = False) -> None:
    """Show what is paused or drained: stages, tenants and jobs."""
    found = run(pauses.paused(load_settings()))
    if json:
        print_json({"scopes": found.scopes, "jobs": [job.job_id for job in found.jobs]})
        return
    rows = [(*_named(scope), f"medkg resume --{_option(scope)}") for scope in found.scopes]
    rows += [("job", job.job_id, f"medkg resume --job {job.job_id}") for job in found.jobs]
    show(table(None, ("paused", "name", "to go on"), rows) if rows else "nothing is paused")


def order_about(job: str | None, stage: str | None, tenant: str | None, *, by: str | None, reason: str) -> ScopeOrder:
    """The order about the one scope that is given.

    Raises:
        InvalidRequest: it has characters that it cannot have.
    """
    given: list[tuple[Scope, str | None]] = [("job", job), ("stage", stage), ("tenant", tenant)]
    chosen = [(scope, name) for scope, name in given if name is not None]
    if len(chosen) != 1:
        raise typer.BadParameter("give exactly one of --job, --stage and --tenant")
    ((scope, name),) = chosen
    return scope_order(scope, name, by or login(), reason)


def _named(scope: str) -> tuple[str, str]:
    kind, _, name = scope.partition(":")
    return ("stage (drained)" if kind == "drain" else kind), name


def _option(scope: str) -> str:
    kind, _, name = scope.partition(":")
    return f"{'stage' if kind == 'drain' else kind} {name}"
