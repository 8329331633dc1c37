"""Wires the search service."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from functools import partial

from medkg_contracts.errors import MedkgError
from medkg_models.sparse_opening import open_sparse
from medkg_search import SearchServer
from medkg_search.sparse_model import sparse_model
from medkg_servicekit.http import HttpService, HttpWork

from .encoders import DenseEncoders, SpladeClauses, encoders_of
from .opened import Opened
from .settings import PORT, SearchServiceSettings
from .vocabularies import Vocabularies
from .wiring import wired


async def _work(settings: SearchServiceSettings, stack: AsyncExitStack) -> HttpWork:
    dense = DenseEncoders(partial(encoders_of, settings))
    stack.push_async_callback(dense.close)
    sparse = Opened(lambda: open_sparse(settings, settings.accelerator))
    stack.push_async_callback(sparse.close)
    server = SearchServer(settings.opensearch_url, timeout_s=settings.search_arm_timeout_s)
    stack.push_async_callback(server.close)
    vocabularies = Vocabularies(settings.open_vocabularies)
    stack.push_async_callback(vocabularies.close)
    splade = SpladeClauses(sparse, partial(sparse_model, server)).clause
    work = await wired(settings, stack, dense, splade, vocabularies)
    return replace(work, background=[*work.background, _opened(sparse.get), _opened(vocabularies.open)])


async def _opened(open_it: Callable[[], Awaitable[object]]) -> None:
    """Open a model, or vocabularies, before a search has to wait for it."""
    with suppress(MedkgError, OSError):  # whoever searches is told
        await open_it()


service = HttpService(
    "search",
    SearchServiceSettings,
    _work,
    port=PORT,
    description="Searches what was indexed: by words, by terms of a model and by meaning, fused",
    memory_mb=1024,
    image="search",
    environment={
        "MK_EMBED_URL": "${MK_EMBED_URL:-http://127.0.0.1:8000/v1}",
        "MK_SPLADE_URL": "${MK_SPLADE_URL:-http://127.0.0.1:8001}",
    },
)

if __name__ == "__main__":
    service.run()
