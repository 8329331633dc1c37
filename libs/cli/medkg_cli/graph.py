"""`medkg graph`: asks the knowledge graph, and looks after it."""

import typer

from .graph_questions import entity

app = typer.Typer(no_args_is_help=True, help="Ask the knowledge graph, and look after it.")


@app.callback()
def _graph() -> None:
    """Ask the knowledge graph, and look after it."""


for _command in (entity,):
    app.command()(_command)
