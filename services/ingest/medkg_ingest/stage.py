"""The stages: a batch becomes one request an item, an item becomes its raw payloads."""

from collections.abc import AsyncIterator
from typing import ClassVar

from medkg_artifacts import ArtifactStore
from medkg_contracts.errors import InvalidRequest, StageBug
from medkg_contracts.ir import RawPayload
from medkg_contracts.requests import JobRequest
from medkg_contracts.stages import StageContext

from .carried import carried_payload
from .settings import IngestSettings
from .sources import OpenSources, Source, close_sources, open_sources


class _SourceStage:
    """What both stages are: a user of the process's sources between `open` and `close`."""

    def __init__(self, settings: IngestSettings) -> None:
        self._settings = settings
        self._sources: OpenSources | None = None

    async def open(self) -> None:
        """Open the sources' connections, unless the process's other stage did."""
        self._sources = await open_sources(self._settings)

    async def close(self) -> None:
        """Close them, unless the process's other stage still uses them."""
        if self._sources is not None:
            await close_sources(self._settings, self._sources)
            self._sources = None

    def _source(self, name: str) -> Source:
        if self._sources is None:
            raise StageBug(f"{type(self).__name__} was asked to work before it was opened")
        return self._sources[name]


class IngestStage(_SourceStage):
    """Fetches an item's raw payloads from the source that the request names, or takes the one that it carries."""

    version: ClassVar[str] = "1"
    outputs: ClassVar[tuple[str, ...]] = ("payloads",)

    def __init__(self, settings: IngestSettings) -> None:
        super().__init__(settings)
        self._store = ArtifactStore.from_url(settings.artifacts_url)

    async def execute(self, ctx: StageContext, request: JobRequest) -> list[RawPayload]:
        """The item's payloads.

        Raises:
            InvalidRequest: the source or the id is not one, or the request is a batch.
            SourceUnavailable: the source did not answer, or asked to wait.
            SourceRefused: the source does not have the item.
            InvalidDocument: what the source has of it is no record, or the one that the request carries is no text.
            ArtifactMissing: the payload that the request carries is not in the tenant's part of the artifact store.
            ArtifactCorrupt: it has other bytes than its name says.
            ArtifactStoreUnavailable: the artifact store cannot be read.
        """
        if request.id is None:
            raise InvalidRequest(f"job {ctx.job_id} has a list or a query, not an id: only expand takes a batch")
        if request.payload is not None:
            return [await carried_payload(self._store, ctx.tenant_id, request, self._settings.max_bytes)]
        return await self._source(request.source).fetch(request.id)


class ExpandStage(_SourceStage):
    """Turns a batch into one request for each item, in a stable order."""

    version: ClassVar[str] = "1"
    outputs: ClassVar[tuple[str, ...]] = ("expansion",)

    async def execute(self, ctx: StageContext, request: JobRequest) -> AsyncIterator[JobRequest]:
        """One request for each item: a list's in its own order, a query's in the source's, each item once.

        Raises:
            InvalidRequest: the source or one of the ids is not one; then nothing was given out before.
            SourceUnavailable: the source did not answer, or asked to wait.
            SourceRefused: the source does not accept the query.
            InvalidDocument: a page of what it found is none.
        """
        source = self._source(request.source)
        if request.query is not None:
            async for item in source.search(request.query, request.limit):
                yield request.item(item, ctx.job_id)
            return
        ids = request.ids or [request.id or ""]
        for item in dict.fromkeys(_canonical_ids(source, ids)):
            yield request.item(item, ctx.job_id)


def _canonical_ids(source: Source, ids: list[str]) -> list[str]:
    canonical = []
    for position, text in enumerate(ids):
        try:
            canonical.append(source.canonical_id(text))
        except InvalidRequest as error:
            raise InvalidRequest(f"ids.{position}: {error}") from error
    return canonical
