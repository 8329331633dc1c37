"""Reloads a catalog when its files change."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from watchfiles import awatch

from .catalog import Catalog
from .changes import Change

#: Changes this close together are one: an editor's save is several.
_QUIET_MS = 100
_AT_MOST_MS = 1_000

#: The folder is read again this often without a notice: a network mount, or a folder that was replaced
#: as a whole, gives none.
_RECHECK_MS = 5_000


async def watch(catalog: Catalog) -> AsyncGenerator[tuple[Change, ...], None]:
    """The changes of each reload that found any, until the caller stops.

    The first reload is at once, for what changed since the catalog was read.
    """
    notices = awatch(
        catalog.folder,
        watch_filter=None,
        debounce=_AT_MOST_MS,
        step=_QUIET_MS,
        rust_timeout=_RECHECK_MS,
        yield_on_timeout=True,
    )
    async with aclosing(notices):
        while True:
            changes = await asyncio.to_thread(catalog.reload)
            if changes:
                yield changes
            await anext(notices)
