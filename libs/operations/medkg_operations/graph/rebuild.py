"""Brings a tenant's knowledge graph to what the artifacts of its jobs say, or says what differs.

The ledger says which entities and claims each job brought to the graph, and of which version of its document; the
index, which documents were removed since. What the graph has of its own accord is not believed: all that there is of
each document is read and compared. Jobs may go on: of a document whose later version has come meanwhile nothing is
written, and one that a job has in hand is never removed.
"""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Final, TypeVar

from medkg_artifacts import ArtifactStore
from medkg_contracts.artifacts import ArtifactRef
from medkg_contracts.errors import ConfigurationError, IndexMissing, MedkgError, ResourceUnavailable
from medkg_contracts.ir import IndexReceipt
from medkg_contracts.knowledge import Claims, Entities, GraphReceipt
from medkg_contracts.model import Contract, first_violation
from medkg_graph import Facts, GraphRestorer, facts_of, transactions
from medkg_graph.restoring import Mending
from medkg_ledger import JobState, LedgerReader
from medkg_search import SearchServer, TenantNames, refused
from medkg_search.manifest_record import manifest_id, read_manifest
from pydantic import ValidationError

from medkg_operations.settings import StoreSettings

from .last_versions import DocumentVersion, LastVersions

ContractT = TypeVar("ContractT", bound=Contract)

_NO_INDEX: Final = (
    "See that MK_OPENSEARCH_URL and --tenant are right. Where the index is lost, --without-index takes every document "
    "as its last job left it; those that were deleted since come back."
)

#: Seconds for which Neo4j, or OpenSearch, is asked again where it does not answer.
TIMEOUT_S: Final = 30.0
#: So many documents are looked up at once.
PAGE: Final = 200
#: So many of those that differ are named.
NAMED: Final = 20


class RebuildReport(Contract):
    """What a rebuild found, and did unless it was only to look.

    Attributes:
        documents: with facts, that jobs brought to the graph and nobody has removed.
        exact: of them, those whose facts the graph had, whole and alone.
        mended: those that were written, or would be.
        removed: documents that should not be in the graph.
        claims_added: that were missing or damaged.
        claims_removed: that were damaged, or that their document does not make.
        strays: relationships and entities of no document.
        later: documents of which the graph has a later version, from a job that is not done.
        unreadable: documents whose artifacts are gone or damaged, by their ids; the graph keeps what it has of them.
        unknown: documents of the index and the graph whose jobs the ledger does not know; the graph keeps them.
        differing: ids of documents that were mended or removed, the first of them.
    """

    documents: int = 0
    exact: int = 0
    mended: int = 0
    removed: int = 0
    claims_added: int = 0
    claims_removed: int = 0
    strays: int = 0
    later: int = 0
    unreadable: dict[str, str] = {}
    unknown: int = 0
    differing: list[str] = []

    @property
    def differs(self) -> bool:
        """Whether the graph is, or was, another one than the artifacts say."""
        return bool(self.mended or self.removed or self.strays or self.unreadable)


@dataclass(slots=True)
class _Tally:
    """The report, while it is made."""

    counts: dict[str, int] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    differing: list[str] = field(default_factory=list)

    def count(self, **more: int) -> None:
        for name, number in more.items():
            self.counts[name] = self.counts.get(name, 0) + number

    def differ(self, *document_ids: str) -> None:
        self.differing += document_ids[: NAMED - len(self.differing)]

    def mending(self, document_id: str, became: Mending) -> None:
        self.count(exact=became.exact, later=became.later)
        if not became.exact and not became.later:
            self.count(mended=1, claims_added=became.added, claims_removed=became.removed)
            self.differ(document_id)

    def report(self) -> RebuildReport:
        return RebuildReport(unreadable=self.unreadable, differing=self.differing, **self.counts)


async def rebuild_graph(
    settings: StoreSettings,
    tenant: str,
    report: Callable[[int, int], None],
    *,
    dry_run: bool = False,
    without_index: bool = False,
) -> RebuildReport:
    """Bring the tenant's graph to what artifacts say.

    Args:
        settings: where the servers are.
        tenant: whose graph.
        report: is told how many documents are done, and of how many.
        dry_run: only say what differs.
        without_index: OpenSearch is lost as well. A document that was deleted comes back then, if the graph does not
            know either that it was.

    Raises:
        ConfigurationError: the ledger knows nothing of what the graph has, or is another deployment's.
        ResourceUnavailable: the ledger, the artifacts, OpenSearch or Neo4j do not answer. Do it again.
    """
    async with AsyncExitStack() as stack:
        neo4j = settings.connect(TIMEOUT_S)
        stack.push_async_callback(neo4j.close)
        ledger = LedgerReader.from_url(settings.redis_url)
        stack.push_async_callback(ledger.close)
        index = None
        if not without_index:
            index = SearchServer(settings.opensearch_url, timeout_s=TIMEOUT_S)
            stack.push_async_callback(index.close)
        versions = stack.enter_context(LastVersions())
        store = ArtifactStore.from_url(settings.artifacts_url)
        rebuild = _Rebuild(tenant, GraphRestorer(neo4j), ledger, store, index, versions, dry_run)
        return await rebuild.run(report)


@dataclass(slots=True)
class _Rebuild:
    tenant: str
    graph: GraphRestorer
    ledger: LedgerReader
    store: ArtifactStore
    index: SearchServer | None
    versions: LastVersions
    dry_run: bool
    tally: _Tally = field(default_factory=_Tally)

    async def run(self, report: Callable[[int, int], None]) -> RebuildReport:
        await self._read()
        total, done = self.versions.documents, 0
        mend = self.graph.compare if self.dry_run else self.graph.restore
        for page in self.versions.pages(PAGE):
            there = await self._indexed({each.document_id: each.order for each in page})
            await self._remove([each for each in page if each.document_id not in there])
            wanted = [facts for each in page if each.document_id in there and (facts := await self._facts(each))]
            for together in transactions(wanted):
                for facts, became in zip(together, await mend(together), strict=True):
                    self.tally.mending(facts.document_id, became)
            done += len(page)
            report(done, total)
        await self._remove_unknown()
        strays = await self.graph.strays(self.tenant) if self.dry_run else await self.graph.remove_strays(self.tenant)
        self.tally.count(strays=strays)
        return self.tally.report()

    async def _read(self) -> None:
        """The graph's documents first: whichever a job has brought there by then is in the ledger."""
        after = ""
        while page := await self.graph.documents(self.tenant, after, PAGE):
            self.versions.hold(page)
            after = page[-1].document_id
        async for job in self.ledger.each_job({"tenant": self.tenant}):
            await self._take(job)
        if self.versions.held and not self.versions.documents:
            raise ConfigurationError(
                f"the ledger knows no job that brought anything to the graph of tenant {self.tenant!r}, which has "
                f"{self.versions.held} documents",
                remedy="See that MK_REDIS_URL and --tenant are right. Where the ledger is lost, `medkg ledger rebuild` "
                "fills it again.",
            )

    async def _take(self, job: JobState) -> None:
        artifacts = job.artifacts
        if not {"entities", "claims"} <= artifacts.keys():
            return
        receipt = await self._receipt(artifacts.get("graph_receipt"), GraphReceipt)
        indexed = await self._receipt(artifacts.get("index_receipt"), IndexReceipt)
        if receipt is not None and not receipt.superseded:
            order = 0 if indexed is None else indexed.order
            version = DocumentVersion(
                receipt.document_id, order, job.updated_at, artifacts["entities"], artifacts["claims"]
            )
            self.versions.take(version)
        elif indexed is not None:
            self.versions.know(indexed.document_id)
        elif (claims := await self._receipt(artifacts["claims"], Claims)) is not None:
            self.versions.know(claims.document_id)

    async def _receipt(self, ref: ArtifactRef | None, kind: type[ContractT]) -> ContractT | None:
        """The artifact; None where there is none that can be read."""
        try:
            return None if ref is None else kind.model_validate_json(await self.store.get(self.tenant, ref))
        except ResourceUnavailable:
            raise
        except (MedkgError, ValidationError):
            return None

    async def _facts(self, version: DocumentVersion) -> Facts | None:
        try:
            entities = Entities.model_validate_json(await self.store.get(self.tenant, version.entities))
            claims = Claims.model_validate_json(await self.store.get(self.tenant, version.claims))
            facts = facts_of(self.tenant, entities, claims, version.order)
        except ResourceUnavailable:
            raise
        except ValidationError as error:
            self.tally.unreadable[version.document_id] = first_violation(error)
        except MedkgError as error:
            self.tally.unreadable[version.document_id] = str(error)
        else:
            self.tally.count(documents=1)
            return facts
        return None

    async def _indexed(self, orders: dict[str, int]) -> set[str]:
        """Those of the documents that the index shows; one that never was in it is taken as it is."""
        ordered = [document_id for document_id, order in orders.items() if order]
        shown = await self._shown(ordered)
        return {document_id for document_id in orders if document_id not in ordered or document_id in shown}

    async def _shown(self, document_ids: Sequence[str]) -> set[str]:
        if self.index is None or not document_ids:
            return set(document_ids)
        alias = TenantNames(self.tenant).documents
        docs = [{"_index": alias, "_id": manifest_id(document_id)} for document_id in document_ids]
        items = (await self.index.call("POST", "/_mget", body={"docs": docs}))["docs"]
        shown = set()
        for document_id, item in zip(document_ids, items, strict=True):
            if "error" in item:
                error = refused(f"manifest of {document_id!r}", item["error"])
                if isinstance(error, IndexMissing):
                    raise ConfigurationError(str(error), remedy=_NO_INDEX)
                raise error
            if read_manifest(document_id, item).manifest.visible is not None:
                shown.add(document_id)
        return shown

    async def _remove(self, versions: Sequence[DocumentVersion]) -> None:
        """Documents that were removed from the index are none of the graph's."""
        held = {each.document_id: self.versions.order_held(each.document_id) for each in versions}
        await self._take_out({document_id: order for document_id, order in held.items() if order is not None})

    async def _remove_unknown(self) -> None:
        for page in self.versions.unknown(PAGE):
            shown = await self._shown([each.document_id for each in page if each.order])
            self.tally.count(unknown=len(shown))
            await self._take_out({each.document_id: each.order for each in page if each.document_id not in shown})

    async def _take_out(self, orders: dict[str, int]) -> None:
        if not orders:
            return
        gone = len(orders) if self.dry_run else await self.graph.remove(self.tenant, orders)
        self.tally.count(removed=gone)
        self.tally.differ(*orders)
