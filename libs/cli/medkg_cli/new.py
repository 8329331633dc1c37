"""`medkg new`: begins something of one's own."""

from pathlib import Path
from typing import Annotated, Final

import typer
from medkg_contracts.stages import ARTIFACT_TYPES
from medkg_operations.new_stage import StagePackage, in_workspace, write

from .output import JsonOption, print_json

app = typer.Typer(no_args_is_help=True, help="Begin something of your own.")

_ARTIFACTS: Final = ", ".join(ARTIFACT_TYPES)


@app.callback()
def _new() -> None:
    """Begin something of your own."""


@app.command()
def stage(
    name: Annotated[str, typer.Argument(help="The stage's name, and its topics'.")],
    *,
    inputs: Annotated[
        list[str],
        typer.Option("--input", help=f"An artifact that it is given, any number of times: {_ARTIFACTS}."),
    ],
    outputs: Annotated[
        list[str],
        typer.Option(
            "--output", help="An artifact that it makes, any number of times: a name of your own, or a list of those."
        ),
    ],
    folder: Annotated[
        Path | None,
        typer.Option(help="Where to put the package; by default NAME, in a checkout of medkg services/NAME."),
    ] = None,
    package: Annotated[
        str | None, typer.Option(help="What the package is called in Python; by default medkg_NAME.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Make the package of a new stage, which passes the tests that all stages have in common at once."""
    own = StagePackage(name, package or f"medkg_{name.replace('-', '_')}", inputs, outputs)
    ours = in_workspace(Path.cwd())
    place = folder or (Path("services") / name if ours else Path(name))
    written = write(own, place)
    if json:
        print_json({"folder": place, "files": written, "topology": own.topology_lines()})
        return
    for path in written:
        typer.echo(str(path))
    _say_what_is_next(own, place, ours=ours)


def _say_what_is_next(package: StagePackage, place: Path, *, ours: bool) -> None:
    lines = ["", "Next, install it and run its tests:"]
    if ours:
        lines += ["  uv sync --all-packages --all-groups", f"  uv run pytest {place}"]
        lines += ["derive what follows from it, and write that to the lock:"]
        lines += ["  make derive", "  uv sync --all-packages --all-groups"]
    else:
        lines += [f"  uv pip install --editable {place}", f"  pytest {place}"]
    lines += [f"say in {place / package.module / 'stage.py'} what it does, and use it in a topology:"]
    lines += [f"  {line}" for line in package.topology_lines()]
    typer.echo("\n".join(lines))
