"""What a migration reads and writes: a tenant's index, and the changelog of vectors."""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from medkg_bus.changelog import VectorChangelog
from medkg_contracts.changelog import VectorChange
from medkg_contracts.errors import IndexUnavailable, NotFound
from medkg_search import SearchServer, TenantNames
from medkg_search.live_model import StoredModels, replace_models, stored_models
from medkg_search.settings import SearchSettings
from medkg_search.tenant_models import TenantModels

#: Seconds that one request to OpenSearch may take.
TIMEOUT_S: Final = 60.0
#: How often a record that others write at the same time is read again and changed as it is then.
CHANGE_TRIES: Final = 20


@dataclass(frozen=True, slots=True)
class TenantStores:
    """A tenant's index, and the changelog."""

    names: TenantNames
    server: SearchServer
    changelog: VectorChangelog

    async def models(self) -> TenantModels:
        """The tenant's models.

        Raises:
            NotFound: the tenant has no dense vectors, and so no model.
            IndexMissing: the tenant has no index.
        """
        return (await self._stored()).models

    async def change_models(self, change: Callable[[TenantModels], TenantModels]) -> TenantModels:
        """Change the record of the tenant's models, and tell search nodes what it says then.

        Args:
            change: the models after the change.

        Raises:
            NotFound: the tenant has no dense vectors.
            IndexUnavailable: OpenSearch did not answer.
            KafkaUnavailable: the change is made, and search nodes do not know it yet.
        """
        for _ in range(CHANGE_TRIES):
            stored = await self._stored()
            changed = change(stored.models)
            if changed == stored.models or await replace_models(self.server, self.names, stored, changed):
                return await self._announced(changed)
        raise IndexUnavailable(f"the models of tenant {self.names.tenant!r} are changed by others all the time")

    async def publish(self, groups: Sequence[Sequence[VectorChange]]) -> None:
        """Write changes, those of one document in one group.

        Raises:
            KafkaUnavailable: not all of them are written.
        """
        for error in await self.changelog.write(groups):
            if error is not None:
                raise error

    async def _stored(self) -> StoredModels:
        stored = await stored_models(self.server, self.names)
        if stored is None:
            raise NotFound(
                f"tenant {self.names.tenant!r} has no dense vectors, and so no model to migrate from",
                remedy="Index documents with vectors first: `medkg submit ctgov NCT05814159 --topology auto`.",
            )
        return stored

    async def _announced(self, models: TenantModels) -> TenantModels:
        """Tell search nodes. Compaction keeps the last word, so whoever has told looks again."""
        told = None
        while told != models.announced:
            told = models.announced
            await self.publish([[told]])
            models = await self.models()
        return models


@asynccontextmanager
async def tenant_stores(settings: SearchSettings, tenant: str, source: str) -> AsyncIterator[TenantStores]:
    """The stores, connected as long as the context lasts.

    Args:
        settings: where they are.
        tenant: whose.
        source: who writes, for the changelog.

    Raises:
        InvalidRequest: the tenant's id breaks its rule.
    """
    names = TenantNames(tenant)
    async with AsyncExitStack() as stack:
        server = SearchServer(settings.opensearch_url, timeout_s=TIMEOUT_S)
        stack.push_async_callback(server.close)
        changelog = VectorChangelog(settings.kafka, "medkg-migrate", source)
        stack.push_async_callback(changelog.close)
        yield TenantStores(names, server, changelog)


def now_ms() -> int:
    """The time in milliseconds."""
    return round(time.time() * 1000)
