"""`medkg graph`: asks the knowledge graph, and looks after it."""

from typing import Final

import typer

from .graph_cypher import cypher
from .graph_exchange import export, import_
from .graph_questions import entity, evidence, neighbours, paths, trials
from .graph_rebuild import rebuild

_ASK: Final = "Ask"

app = typer.Typer(no_args_is_help=True, help="Ask the knowledge graph, and look after it.")


@app.callback()
def _graph() -> None:
    """Ask the knowledge graph, and look after it."""


for _command in (entity, neighbours, paths, evidence, trials, cypher):
    app.command(rich_help_panel=_ASK)(_command)

app.command()(export)
app.command("import")(import_)
app.command()(rebuild)
