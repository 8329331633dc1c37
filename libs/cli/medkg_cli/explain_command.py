"""`medkg explain`: says why a job is where it is."""

from typing import Annotated

import typer
from medkg_explain import Cause
from medkg_explain import explain as explain_job

from .exits import ExitCode, fail, run
from .output import JsonOption, print_json
from .settings import load_settings


def explain(job: Annotated[str, typer.Argument(help="The job's id.")], *, json: JsonOption = False) -> None:
    """Say why a job is where it is, and what to do about it."""
    explanation = run(explain_job(job, load_settings()))
    if json:
        print_json(explanation)
    else:
        typer.echo(explanation.text())
    if explanation.cause == Cause.UNKNOWN_JOB:
        raise fail(ExitCode.NOT_FOUND)
