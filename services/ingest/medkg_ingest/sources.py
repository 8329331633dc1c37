"""The sources that the stages know, and their sharing within a process."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Protocol, Self

from medkg_contracts.errors import InvalidRequest
from medkg_contracts.ir import RawPayload

from . import ctgov
from .settings import IngestSettings


class Source(Protocol):
    """A place that records come from."""

    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *_: object) -> None: ...

    def canonical_id(self, text: str) -> str:
        """The one way to write this id.

        Raises:
            InvalidRequest: the source has no such ids.
        """
        ...

    async def fetch(self, id: str) -> list[RawPayload]:  # noqa: A002 - the contract's own word
        """An item's raw payloads, as they came."""
        ...

    def search(self, query: Mapping[str, str], limit: int | None) -> AsyncIterator[str]:
        """The ids that a query finds, in the source's order, each once; at most `limit`."""
        ...


#: How to make each source. A new source is one line here.
SOURCES: Mapping[str, Callable[[IngestSettings], Source]] = {ctgov.NAME: ctgov.CtgovSource}


class OpenSources:
    """All sources, open. The stages of one process share them, so that a source sees one client."""

    def __init__(self, settings: IngestSettings) -> None:
        self._sources = {name: make(settings) for name, make in SOURCES.items()}
        self._stack = AsyncExitStack()
        self._users = 0

    def __getitem__(self, name: str) -> Source:
        """The source of this name.

        Raises:
            InvalidRequest: there is none.
        """
        if name not in self._sources:
            raise InvalidRequest(f"source: {name!r} is not known; known are {', '.join(sorted(self._sources))}")
        return self._sources[name]

    async def acquire(self) -> None:
        """One more stage uses them: the first opens them."""
        self._users += 1
        if self._users == 1:
            for source in self._sources.values():
                await self._stack.enter_async_context(source)

    async def release(self) -> bool:
        """One stage less uses them: the last closes them. Whether it was the last."""
        self._users -= 1
        if self._users == 0:
            await self._stack.aclose()
        return self._users == 0


_open: dict[str, OpenSources] = {}


async def open_sources(settings: IngestSettings) -> OpenSources:
    """The process's sources for these settings. Each call needs one of `close_sources`."""
    key = settings.model_dump_json()
    if key not in _open:
        _open[key] = OpenSources(settings)
    await _open[key].acquire()
    return _open[key]


async def close_sources(settings: IngestSettings, sources: OpenSources) -> None:
    """Give the sources back."""
    if await sources.release():
        _open.pop(settings.model_dump_json(), None)
