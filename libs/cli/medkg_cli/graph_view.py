"""What the knowledge graph answers, for people."""

from collections.abc import Sequence

from medkg_graph.views import NodeView
from rich.console import RenderableType
from rich.text import Text

from .output import table


def nodes_view(nodes: Sequence[NodeView]) -> RenderableType:
    """Entities, a line each."""
    if not nodes:
        return Text("nothing found")
    rows = ((each.id, category(each), each.name, str(each.documents)) for each in nodes)
    return table(None, ("id", "category", "name", "documents"), rows, numbers=("documents",))


def category(node: NodeView) -> str:
    """``biolink:ClinicalTrial`` -> ``ClinicalTrial``."""
    return node.category.removeprefix("biolink:")
