"""`medkg rollout status`: how a new version of a topology does beside the old one."""

from typing import Annotated

import typer
from medkg_contracts.data import VersionFigures
from medkg_contracts.errors import NotFound
from medkg_contracts.model import Contract
from medkg_contracts.settings import Settings
from medkg_ledger import LedgerReader, RolloutState
from medkg_topology.catalog import Catalog
from rich.console import Group, RenderableType
from rich.text import Text

from .exits import run
from .output import JsonOption, duration, print_json, show, table
from .settings import load_settings

app = typer.Typer(no_args_is_help=True, help="New versions of topologies, for a part of the new jobs.")


class RolloutStatus(Contract):
    """How a rollout stands.

    Attributes:
        rollout: which versions, and for how many of the new jobs.
        ended: the new version is everybody's.
        old: how the jobs of the old version went.
        new: how those of the new one went.
    """

    pipeline: str
    rollout: RolloutState
    ended: bool
    old: VersionFigures
    new: VersionFigures


@app.callback()
def _rollout() -> None:
    """Without this, typer would fold the only command into its group."""


@app.command()
def status(
    pipeline: Annotated[str | None, typer.Argument(metavar="TOPOLOGY", help="Only this topology's; else all.")] = None,
    *,
    json: JsonOption = False,
) -> None:
    """Show both versions' figures, and whether new jobs take the old version again, and why."""
    found = run(_rollouts(load_settings(), pipeline))
    if json:
        print_json([_data(each) for each in found])
    elif not found:
        typer.echo("no topology has a rollout; one is begun by `rollout: {percent: 10}` in its file")
    else:
        show(*(part for each in found for part in (rollout_view(each), Text())))


async def _rollouts(settings: Settings, pipeline: str | None) -> list[RolloutStatus]:
    """The rollouts of all topologies, or of one.

    Raises:
        NotFound: the one has none.
    """
    names = [pipeline] if pipeline is not None else sorted(Catalog(settings.topologies).plans)
    ledger = LedgerReader.from_url(settings.redis_url)
    found: list[RolloutStatus] = []
    try:
        for name in names:
            state = await ledger.rollout(name)
            if state is not None:
                old, new = [await ledger.figures(name, digest) for digest in (state.old, state.new)]
                ended = await ledger.stable(name) == state.new
                found.append(RolloutStatus(pipeline=name, rollout=state, ended=ended, old=old, new=new))
    finally:
        await ledger.close()
    if pipeline is not None and not found:
        raise NotFound(
            f"the topology {pipeline!r} has no rollout",
            remedy="`medkg topology list` lists the topologies; `rollout: {percent: 10}` in a file begins one.",
        )
    return found


def rollout_view(status: RolloutStatus) -> RenderableType:
    """A rollout for people."""
    state = status.rollout
    if status.ended:
        line = Text(f"{status.pipeline}: the rollout has ended, all new jobs take the new version", style="bold")
    elif state.reverted is None:
        line = Text(f"{status.pipeline}: {state.percent} % of the new jobs take the new version", style="bold")
    else:
        line = Text(f"{status.pipeline}: new jobs take the old version again: {state.reverted}", style="bold red")
    rows = [
        (
            word,
            figures.digest[:12],
            str(figures.jobs),
            f"{figures.error_rate:.1%}",
            duration(figures.p50_ms),
            duration(figures.p95_ms),
        )
        for word, figures in (("old", status.old), ("new", status.new))
    ]
    columns = ("version", "digest", "jobs", "failed", "p50", "p95")
    return Group(line, table(None, columns, rows, numbers=("jobs", "failed", "p50", "p95")))


def _data(status: RolloutStatus) -> dict[str, object]:
    state = status.rollout
    versions = {
        word: {**figures.model_dump(), "error_rate": figures.error_rate}
        for word, figures in (("old", status.old), ("new", status.new))
    }
    facts = {"percent": state.percent, "ended": status.ended, "reverted": state.reverted}
    return {"pipeline": status.pipeline, **facts, **versions}
