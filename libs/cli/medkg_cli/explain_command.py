"""`medkg explain`: says why a job is where it is."""

from typing import Annotated

import typer

from .exits import ExitCode, fail, run
from .explain import explain as explain_job
from .output import JsonOption, print_json
from .settings import load_settings


def explain(job: Annotated[str, typer.Argument(help="The job's id.")], *, json: JsonOption = False) -> None:
    """Say why a job is where it is, and what to do about it."""
    explanation = run(explain_job(job, load_settings()))
    if json:
        print_json(explanation)
    else:
        typer.echo(explanation.text())
    if explanation.cause == "unknown_job":
        raise fail(ExitCode.NOT_FOUND)
