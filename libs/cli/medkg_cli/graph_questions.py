"""What is asked of the knowledge graph: its entities, what documents say of them, and what trials have found."""

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from medkg_contracts.requests import DEFAULT_TENANT
from medkg_graph import GraphReader, GraphServer
from medkg_graph.reader import MOST_HOPS
from medkg_graph.trials import TrialsReader
from medkg_operations.graph.asking import graph_of

from .exits import run
from .graph_trials_view import tried_view
from .graph_view import found_view, neighbourhood_view, paths_view, statements_view
from .output import JsonOption, print_json, show
from .settings import load_settings

T = TypeVar("T")

Tenant = Annotated[str, typer.Option(help="Whose graph is asked.")]
Limit = Annotated[int, typer.Option(min=1, max=500, help="At most so many.")]
Skip = Annotated[int, typer.Option(min=0, max=100_000, help="Leave out so many: the page behind.")]
Named = typer.Argument(metavar="ID|NAME", help="Its id, such as MESH:D003924 or NCT01367860, or its name.")


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
    found = _asked(lambda server: GraphReader(server).find(tenant, text, limit))
    if json:
        print_json(found)
    else:
        show(*found_view(found))


def neighbours(
    entity: Annotated[str, Named],
    *,
    predicate: Annotated[list[str] | None, typer.Option(help="Only by this one, such as treats; repeatable.")] = None,
    hops: Annotated[int, typer.Option(min=1, max=2, help="How many statements away at most.")] = 1,
    tenant: Tenant = DEFAULT_TENANT,
    limit: Limit = 20,
    json: JsonOption = False,
) -> None:
    """Show what is one or two statements away from an entity, with the evidence on the way.

    medkg graph neighbours "intervertebral disc displacement" --predicate in_clinical_trials_for
    """
    found = _asked(
        lambda server: GraphReader(server).neighbours(
            tenant, entity, predicates=predicate or (), hops=hops, limit=limit
        )
    )
    if json:
        print_json(found)
    else:
        show(*neighbourhood_view(found))


def paths(
    start: Annotated[str, Named],
    end: Annotated[str, Named],
    *,
    hops: Annotated[int, typer.Option(min=1, max=MOST_HOPS, help="How many statements long at most.")] = 3,
    tenant: Tenant = DEFAULT_TENANT,
    limit: Limit = 5,
    json: JsonOption = False,
) -> None:
    """Show the shortest ways from one entity to another, with the evidence of each step.

    medkg graph paths pregabalin "intervertebral disc displacement"
    """
    found = _asked(lambda server: GraphReader(server).paths(tenant, start, end, hops=hops, limit=limit))
    if json:
        print_json(found)
    else:
        show(*paths_view(found))


def evidence(
    subject: Annotated[str, Named],
    object_: Annotated[
        str | None, typer.Argument(metavar="[ID|NAME]", help="The other end; else all there is.")
    ] = None,
    *,
    predicate: Annotated[str | None, typer.Option(help="Only this one, such as treats.")] = None,
    tenant: Tenant = DEFAULT_TENANT,
    limit: Limit = 10,
    skip: Skip = 0,
    json: JsonOption = False,
) -> None:
    """Show what documents say of an entity, or of two, statement by statement: who says so, where, and who denies it.

    medkg graph evidence pregabalin "intervertebral disc displacement"
    """
    found = _asked(
        lambda server: GraphReader(server).evidence(tenant, subject, object_, predicate, limit=limit, skip=skip)
    )
    if json:
        print_json(found)
    else:
        show(*statements_view(found, skip))


def trials(
    condition: Annotated[str, Named],
    *,
    kind: Annotated[
        list[str] | None, typer.Option(help="Only trials of such interventions, as drug or procedure; repeatable.")
    ] = None,
    tenant: Tenant = DEFAULT_TENANT,
    limit: Limit = 10,
    skip: Skip = 0,
    json: JsonOption = False,
) -> None:
    """Show what was tried for a condition, and with what results: study, groups, estimate, p-value, where it stands.

    Trials of what the registry has below the condition are shown as well.

    medkg graph trials "intervertebral disc displacement" --kind drug
    """
    kinds = [each.upper() for each in kind or ()]
    found = _asked(lambda server: TrialsReader(server).tried(tenant, condition, kinds=kinds, limit=limit, skip=skip))
    if json:
        print_json(found)
    else:
        show(*tried_view(found, skip))


def _asked(question: Callable[[GraphServer], Awaitable[T]]) -> T:
    """The answer of this machine's settings' Neo4j."""

    async def ask() -> T:
        async with graph_of(load_settings()) as server:
            return await question(server)

    return run(ask())
