"""`medkg graph cypher`: somebody's own question in Neo4j's language."""

from collections.abc import Sequence
from typing import Annotated

import orjson
import typer
from medkg_graph.cypher import Rows, ask_cypher
from medkg_operations.graph.asking import graph_of
from pydantic import JsonValue
from rich.console import RenderableType
from rich.text import Text

from .arguments import read_pairs
from .exits import run
from .output import JsonOption, duration, print_json, show, table
from .settings import load_settings


def cypher(
    statement: Annotated[str, typer.Argument(metavar="STATEMENT", help="One that reads, such as MATCH … RETURN ….")],
    *,
    param: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="A parameter: JSON, or else text; repeatable."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Rows that are read at most.")] = 100,
    timeout: Annotated[float, typer.Option(min=0.1, max=600, help="Seconds that Neo4j may take.")] = 10.0,
    json: JsonOption = False,
) -> None:
    """Ask in Cypher. Neo4j itself refuses to write, and ends what takes too long.

    All tenants' graphs are seen: name one, as in the example.

    medkg graph cypher 'MATCH (n:Drug {tenant: $tenant}) RETURN n.id, n.name' --param tenant=public
    """
    parameters = {name: parameter(value) for name, value in read_pairs("--param", param or ()).items()}
    rows = run(_ask(statement, parameters, limit, timeout))
    if json:
        print_json(rows)
    else:
        show(*rows_view(rows))


async def _ask(statement: str, parameters: dict[str, JsonValue], limit: int, timeout_s: float) -> Rows:
    async with graph_of(load_settings()) as server:
        return await ask_cypher(server, statement, parameters, rows=limit, timeout_s=timeout_s)


def parameter(text: str) -> JsonValue:
    """The value that a text is: what JSON makes of it, and itself if that is nothing."""
    try:
        value: JsonValue = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return value


def rows_view(rows: Rows) -> list[RenderableType]:
    """Rows for people; what is no text as JSON."""
    if not rows.rows:
        return [Text(f"no rows, in {duration(rows.took_ms)}", style="dim")]
    shown = table(None, rows.columns, (_cells(row) for row in rows.rows))
    count = f"{len(rows.rows)} rows" if len(rows.rows) != 1 else "1 row"
    more = ", and there are more: a larger --limit shows them" if rows.more else ""
    return [shown, Text(f"{count} in {duration(rows.took_ms)}{more}", style="dim")]


def _cells(row: Sequence[JsonValue]) -> list[str]:
    return [value if isinstance(value, str) else orjson.dumps(value).decode() for value in row]
