"""`medkg index`: the search index, as a whole."""

from typing import Annotated

import typer
from medkg_contracts.requests import DEFAULT_TENANT
from medkg_search import Reindexed, SearchServer, reindex_chunks
from medkg_search.settings import SearchSettings

from .exits import run
from .migration import migrate
from .settings import load_settings

app = typer.Typer(no_args_is_help=True, help="Look after the search index.")


@app.callback()
def _index() -> None:
    """Look after the search index."""


app.command()(migrate)


@app.command()
def reindex(
    *,
    tenant: Annotated[str, typer.Option(help="Whose index.")] = DEFAULT_TENANT,
    shards: Annotated[int, typer.Option(min=1, max=1024, help="Of the new index.")] = 1,
    replicas: Annotated[int, typer.Option(min=0, max=10, help="Of the new index.")] = 0,
) -> None:
    """Copy an earlier release's index of chunks into one of this release; nothing is fetched or parsed again."""
    typer.echo(told(run(_reindexed(load_settings(), tenant, shards, replicas))))


async def _reindexed(settings: SearchSettings, tenant: str, shards: int, replicas: int) -> Reindexed:
    server = SearchServer(settings.opensearch_url)
    try:
        return await reindex_chunks(server, tenant, shards=shards, replicas=replicas)
    finally:
        await server.close()


def told(done: Reindexed) -> str:
    """What became of the index, and what is left to do."""
    if done.index == done.before:
        return f"{done.index} is this release's already; nothing was copied"
    return (
        f"{done.records} records copied into {done.index}, which is searched and written from now on\n"
        f"{done.before} is no longer used: delete it when you are sure (`DELETE /{done.before}`)"
    )
