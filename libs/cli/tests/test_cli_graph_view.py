"""What the knowledge graph answers is shown for people."""

from medkg_cli.graph_view import nodes_view
from medkg_graph.views import NodeView
from rich.console import Console, RenderableType

PAIN = NodeView(id="MESH:D017116", category="biolink:Disease", name="Low Back Pain", documents=12)


def printed(*shown: RenderableType) -> list[str]:
    console = Console(width=160, markup=False)
    with console.capture() as captured:
        for each in shown:
            console.print(each)
    return [line.rstrip() for line in captured.get().splitlines()]


def test_entities_are_a_line_each() -> None:
    """With id, category, name, and how many documents say something of them."""
    heads, row = printed(nodes_view([PAIN]))

    assert ["id", "category", "name", "documents"] == heads.split()
    assert ["MESH:D017116", "Disease", "Low", "Back", "Pain", "12"] == row.split()


def test_no_entity_is_said() -> None:
    """An empty answer is no error."""
    assert ["nothing found"] == printed(nodes_view([]))
