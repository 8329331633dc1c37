"""What the knowledge graph answers, for people."""

from collections.abc import Iterator

from medkg_graph.views import Balance, ClaimView, Found, Neighbour, Neighbourhood, NodeView, Paths, PathView, Statements
from rich.console import RenderableType
from rich.text import Text

from .graph_evidence_view import claim_view, indented, places, study
from .output import table


def found_view(found: Found) -> Iterator[RenderableType]:
    """Entities, a line each."""
    if not found.entities:
        yield Text("nothing found")
        return
    rows = ((each.id, category(each), each.name, str(each.documents)) for each in found.entities)
    yield table(None, ("id", "category", "name", "documents"), rows, numbers=("documents",))
    if found.more:
        yield _more("entities", "--limit")


def neighbourhood_view(near: Neighbourhood) -> Iterator[RenderableType]:
    """An entity, then each of its neighbours with the way there."""
    yield node_line(near.entity, f"{near.statements} statements")
    if not near.complete:
        yield Text("so many statements that only a part was looked at: name a --predicate", style="yellow")
    for each in near.neighbours:
        yield indented(_neighbour(each), 2)
        for claim in each.way:
            yield indented(_step(claim), 6)
    if not near.neighbours:
        yield Text("  nothing")
    if near.more:
        yield _more("neighbours", "--limit")


def paths_view(found: Paths) -> Iterator[RenderableType]:
    """Each way, step by step, with what says so."""
    if not found.paths:
        yield Text(f"no way leads from {found.start.id} to {found.end.id} so far: try more --hops")
    for number, path in enumerate(found.paths, 1):
        times = f"  {path.ways} ways" if path.ways > 1 else ""
        yield Text.assemble((f"{number}. ", "dim"), " — ".join(node.name for node in path.nodes), (times, "dim"))
        yield from _steps(path)
    if found.more:
        yield _more("ways of this length", "--limit")


def statements_view(found: Statements, skipped: int) -> Iterator[RenderableType]:
    """Each statement with how many documents say so and deny it, and what they say."""
    if not found.complete:
        told = "so many statements that only a part was looked at and counted: name the other end, or a --predicate"
        yield Text(told, style="yellow")
    for balance in found.statements:
        yield from _balance(balance)
    if not found.statements:
        yield Text("no document says anything of this" if not skipped else "no more statements")
    if found.more:
        yield _more("statements", f"--skip {skipped + len(found.statements)}")


def node_line(node: NodeView, told: str) -> Text:
    """An entity in a line."""
    return Text.assemble((node.name, "bold"), f"  {node.id}  ", (f"{category(node)}  {told}", "dim"))


def category(node: NodeView) -> str:
    """``biolink:ClinicalTrial`` -> ``ClinicalTrial``."""
    return node.category.removeprefix("biolink:")


def _neighbour(each: Neighbour) -> Text:
    times = f"{each.ways} ways" if each.ways > 1 else ""
    return node_line(each.node, times)


def _steps(path: PathView) -> Iterator[RenderableType]:
    for claim in path.claims:
        yield indented(_step(claim), 4)
        yield from (indented(place, 8) for place in places(claim.evidence))


def _step(claim: ClaimView) -> Text:
    role = f" ({claim.qualifiers['role']})" if "role" in claim.qualifiers else ""
    arrow = f" —{'not ' if claim.negated else ''}{_predicate(claim.predicate)}{role}→ "
    return Text.assemble(claim.subject_name, (arrow, "cyan"), claim.object_name, (f"  {study(claim)}", "dim"))


def _balance(balance: Balance) -> Iterator[RenderableType]:
    arrow = f" —{_predicate(balance.predicate)}→ "
    say = "document says" if balance.supporting == 1 else "documents say"
    deny = "denies" if balance.contradicting == 1 else "deny"
    counts = f"  {balance.supporting} {say} so{_directions(balance)}, {balance.contradicting} {deny} it"
    yield Text.assemble((balance.subject_name, "bold"), (arrow, "cyan"), (balance.object_name, "bold"), (counts, "dim"))
    yield Text(f"  {balance.subject}  {balance.object}", style="dim")
    for claim in balance.claims:
        for line in claim_view(claim):
            yield indented(line, 2)
    if left := balance.said - len(balance.claims):
        yield indented(Text(f"and {left} claims more", style="dim"), 2)


def _directions(balance: Balance) -> str:
    """How many of those say that it rises, and how many that it falls, where any does."""
    if not balance.increased and not balance.decreased:
        return ""
    return f" ({balance.increased} increased, {balance.decreased} decreased)"


def _predicate(predicate: str) -> str:
    return predicate.removeprefix("biolink:")


def _more(what: str, how: str) -> Text:
    return Text(f"there are more {what}: {how}", style="dim")
