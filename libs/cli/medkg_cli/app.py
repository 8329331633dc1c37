"""The command `medkg`."""

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Final, NamedTuple

import typer

from .exits import EPILOG, Commands

_WORK: Final = "Work"
_LOOK: Final = "Look"
_OPERATE: Final = "Operate"
_BUILD: Final = "Build"
_LOCAL: Final = "This machine's stack"


class Place(NamedTuple):
    """Where a command is, and under which heading the help lists it."""

    module: str
    name: str
    panel: str


COMMANDS: Final[Mapping[str, Place]] = {
    "submit": Place("submit", "submit", _WORK),
    "run": Place("direct", "run_jobs", _WORK),
    "status": Place("status", "status", _LOOK),
    "explain": Place("explain_command", "explain", _LOOK),
    "consumers": Place("consumers", "consumers", _LOOK),
    "events": Place("events", "app", _LOOK),
    "search": Place("search", "search", _LOOK),
    "graph": Place("graph", "app", _LOOK),
    "eval": Place("evaluation", "app", _LOOK),
    "topology": Place("topology", "app", _LOOK),
    "job": Place("job", "app", _OPERATE),
    "dlq": Place("dlq", "app", _OPERATE),
    "document": Place("document", "app", _OPERATE),
    "pause": Place("pausing", "pause", _OPERATE),
    "resume": Place("pausing", "resume", _OPERATE),
    "paused": Place("pausing", "paused", _OPERATE),
    "drain": Place("drain", "drain", _OPERATE),
    "rollout": Place("rollout", "app", _OPERATE),
    "index": Place("index", "app", _OPERATE),
    "ledger": Place("ledger", "app", _OPERATE),
    "new": Place("new", "app", _BUILD),
    "vocabulary": Place("vocabulary", "app", _BUILD),
    "demo": Place("demo", "demo", _LOCAL),
    "up": Place("stack", "up", _LOCAL),
    "down": Place("stack", "down", _LOCAL),
    "ps": Place("stack", "ps", _LOCAL),
    "logs": Place("stack", "logs", _LOCAL),
    "restart": Place("stack", "restart", _LOCAL),
    "kill": Place("stack", "kill", _LOCAL),
    "topics": Place("topics", "app", _LOCAL),
    "models": Place("models", "app", _LOCAL),
}


def build(only: str | None = None) -> typer.Typer:
    """The command line, or only this command of it: importing all of them takes two seconds."""
    app = typer.Typer(
        name="medkg",
        cls=Commands,
        no_args_is_help=True,
        add_completion=False,
        epilog=EPILOG,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
    )
    app.callback()(_medkg)
    for command, place in COMMANDS.items():
        if only not in COMMANDS or only == command:
            found = getattr(import_module(f"{__package__}.{place.module}"), place.name)
            if isinstance(found, typer.Typer):
                app.add_typer(found, name=command, rich_help_panel=place.panel)
            else:
                app.command(command, rich_help_panel=place.panel)(found)
    return app


def _medkg() -> None:
    """Biomedical sources to a searchable index, by stages choreographed on Kafka."""


def main() -> None:
    """Run the command of the command line."""
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    build(words[0] if words else None)(prog_name="medkg")
