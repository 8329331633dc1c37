"""Rendering: tables and text for people, JSON for programs."""

import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Final

import orjson
import typer
from medkg_contracts.model import Contract
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

#: Columns of output that goes to a file or a pipe, where nobody would see what was cut off.
PIPE_WIDTH: Final = 220

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]

_COLOURS: Final = {
    **dict.fromkeys(("completed", "opened", "ok", "restarted", "resumed", "redriven"), "green"),
    **dict.fromkeys(("running", "requested"), "cyan"),
    **dict.fromkeys(("waiting", "deferred", "paused", "unanswered", "skipped"), "yellow"),
    **dict.fromkeys(("failed", "rejected", "expired", "refused", "missing", "stopped"), "red"),
    **dict.fromkeys(("cancelled", "discarded"), "magenta"),
}


def console() -> Console:
    """Where results go: standard output."""
    width = None if sys.stdout.isatty() else PIPE_WIDTH
    # No markup: an error's [code] is text, and so is whatever a document says.
    return Console(width=width, highlight=False, markup=False, emoji=False)


def show(*renderables: RenderableType) -> None:
    """Print for people."""
    screen = console()
    for renderable in renderables:
        screen.print(renderable)


def say(text: str) -> None:
    """Tell what goes on, on standard error, so that standard output has nothing but the result."""
    print(text, file=sys.stderr, flush=True)


def print_json(value: object) -> None:
    """Print for programs, indented."""
    typer.echo(orjson.dumps(value, default=_plain, option=orjson.OPT_INDENT_2).decode())


def print_json_line(value: object) -> None:
    """Print for programs, one value a line."""
    typer.echo(orjson.dumps(value, default=_plain).decode())


def _plain(value: object) -> object:
    if isinstance(value, Contract):
        return value.model_dump(mode="json")
    return str(value)


def table(
    title: str | None,
    columns: Sequence[str],
    rows: Iterable[Sequence[RenderableType]],
    *,
    numbers: Collection[str] = (),
) -> Table:
    """A table; `numbers` are the columns whose values are numbers."""
    made = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim")
    for column in columns:
        made.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    for row in rows:
        made.add_row(*row)
    return made


def coloured(state: str) -> Text:
    """The name of a state, in its colour."""
    return Text(state, style=_COLOURS.get(state, ""))


def counts_text(counts: Mapping[str, int]) -> Text:
    """``completed 48 · failed 2``."""
    parts = [Text.assemble(coloured(state), f" {count}") for state, count in counts.items() if count]
    return Text(" · ").join(parts)


def moment(milliseconds: int | None) -> str:
    """A time in UTC."""
    if milliseconds is None:
        return ""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + "Z"


def duration(milliseconds: float | None) -> str:
    """A length of time, in the unit that reads best."""
    if milliseconds is None:
        return ""
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {seconds:02d} s"


def size(count: int) -> str:
    """A number of bytes."""
    return f"{count} B" if count < 1024 else f"{count / 1024:.1f} KiB"
