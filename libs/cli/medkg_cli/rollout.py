"""`medkg rollout status`: how a new version of a topology does beside the old one."""

from typing import Annotated

import typer
from medkg_operations.rollouts import RolloutStatus, rollouts
from rich.console import Group, RenderableType
from rich.text import Text

from .exits import run
from .output import JsonOption, duration, print_json, show, table
from .settings import load_settings

app = typer.Typer(no_args_is_help=True, help="New versions of topologies, for a part of the new jobs.")


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
    found = run(rollouts(load_settings(), pipeline))
    if json:
        print_json([_data(each) for each in found])
    elif not found:
        typer.echo("no topology has a rollout; one is begun by `rollout: {percent: 10}` in its file")
    else:
        show(*(part for each in found for part in (rollout_view(each), Text())))


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
