"""What is asked of the knowledge graph: its entities, and what documents say of them."""

from typing import Annotated

import typer
from medkg_contracts.requests import DEFAULT_TENANT
from medkg_operations.graph import asking

from .exits import run
from .graph_view import nodes_view
from .output import JsonOption, print_json, show
from .settings import load_settings

Tenant = Annotated[str, typer.Option(help="Whose graph is asked.")]
Limit = Annotated[int, typer.Option(min=1, max=500, help="At most so many.")]


def entity(
    text: Annotated[str, typer.Argument(metavar="TEXT|CURIE", help="Words of its name, or its id.")],
    *,
    tenant: Tenant = DEFAULT_TENANT,
    limit: Limit = 10,
    json: JsonOption = False,
) -> None:
    """Find entities by words of their names, or by id, the best first.

    medkg graph entity "low back pain"
    """
    found = run(asking.entities(load_settings(), tenant, text, limit))
    if json:
        print_json(found)
    else:
        show(nodes_view(found))
