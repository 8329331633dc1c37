"""A connection to a deployment."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar, Unpack

from medkg_artifacts import ArtifactStore
from medkg_bus.producer import EventProducer, connected
from medkg_contracts import topics
from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.errors import ConfigurationError, InvalidRequest
from medkg_contracts.model import first_violation
from medkg_contracts.requests import DEFAULT_TENANT, JobRequest
from medkg_ledger import LedgerReader
from medkg_search import SearchFilters
from medkg_search.hybrid import Arm, Asked, Facet, HybridPage, HybridRequest, SimilarRequest
from pydantic import ValidationError

from medkg_operations.control import Answer, Control
from medkg_operations.documents import DocumentRemoval, remove_document
from medkg_operations.events import EventFilter
from medkg_operations.requests import CLIENT_ID, RequestFields, check_id, job_request, request_event
from medkg_operations.search import SearchClient
from medkg_operations.settings import StoreSettings
from medkg_operations.views import ledger_of

from .batch import Batch
from .ends import Ends
from .events import Event, Since, follow_events
from .graph import Graph
from .job import Job

if TYPE_CHECKING:
    from medkg_operations.evaluation.report import EvaluationReport

AskedT = TypeVar("AskedT", bound=Asked)

#: Seconds that the router may take to answer an order.
ANSWER_S = 30.0


def connect(  # noqa: PLR0913 - the settings of a deployment
    settings: StoreSettings | None = None,
    *,
    kafka: str | None = None,
    redis: str | None = None,
    opensearch: str | None = None,
    search: str | None = None,
    graph: str | None = None,
    artifacts: str | None = None,
    tenant: str = DEFAULT_TENANT,
    by: str = "",
    source: str = "/medkg/sdk",
) -> "Client":
    """A connection to a deployment; ``async with medkg.connect(…) as kg:`` opens and closes it.

    What is not given comes from `settings`, and what those do not say from the environment (``MK_KAFKA`` and so on)
    or from ``.env`` of the current folder, as for the services.

    Args:
        settings: those of a service that has read its own.
        kafka: bootstrap servers, ``host:port`` separated by commas.
        redis: the ledger's Redis, ``redis://host:port/0``.
        opensearch: the search index, ``http://host:port``.
        search: the search service, ``http://host:port``.
        graph: the knowledge graph's Neo4j, ``bolt://host:port``; "" where there is none.
        artifacts: the artifact store that the services use, ``file:///an/absolute/path``.
        tenant: whose jobs are asked for, and whose documents are searched.
        by: who acts, for those who read the events: a person's or a service's name.
        source: which program acts: the `source` of its events, such as ``/my/notebook``.

    Raises:
        ConfigurationError: a setting cannot be read.
    """
    given = {
        "kafka": kafka,
        "redis_url": redis,
        "opensearch_url": opensearch,
        "search_url": search,
        "neo4j_url": graph,
        "artifacts_url": artifacts,
    }
    try:
        found = settings or StoreSettings()
    except ValidationError as error:
        raise ConfigurationError(f"settings: {first_violation(error)}") from error
    return Client(
        found.model_copy(update={name: value for name, value in given.items() if value is not None}),
        tenant=tenant,
        by=by,
        source=source,
    )


class Client:
    """A deployment, to ask for jobs, follow them, and read what came of them; made by `connect`.

    Attributes:
        settings: where the servers are.
        tenant: whose jobs are asked for, unless a call says otherwise.
        by: who acts.
        source: which program acts.
        ledger: the state of every job, to look at.
        store: the artifacts.
        graph: questions to the knowledge graph, of this tenant unless a call says otherwise.
    """

    ledger: LedgerReader
    graph: Graph
    _producer: EventProducer
    _search: SearchClient

    def __init__(self, settings: StoreSettings, *, tenant: str, by: str, source: str) -> None:
        self.settings = settings
        self.tenant = tenant
        self.by = by
        self.source = source
        self.store = ArtifactStore.from_url(settings.artifacts_url)
        self.ends = Ends(settings.kafka)
        self._connections = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Connect, as `open` does."""
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Disconnect."""
        await self.close()

    async def open(self) -> None:
        """Connect. In a notebook, where a connection lasts over several cells: ``await kg.open()``.

        Raises:
            KafkaUnavailable: Kafka is not there.
            LedgerUnavailable: the ledger is not there.
            ConfigurationError: Kafka has none of the deployment's topics.
        """
        async with AsyncExitStack() as stack:
            self.ledger = await stack.enter_async_context(ledger_of(self.settings))
            await self.ledger.is_empty()
            self._producer = await stack.enter_async_context(connected(self.settings.kafka, CLIENT_ID, self.store))
            if not await self._producer.partitions(topics.REQUESTS):
                raise ConfigurationError(
                    f"Kafka at {self.settings.kafka} has no topic {topics.REQUESTS}",
                    remedy="Create the topics with `medkg topics provision` (`medkg up` does it too).",
                )
            self._search = await stack.enter_async_context(SearchClient(self.settings.search_url))
            self.graph = Graph(self._search, self.tenant)
            stack.push_async_callback(self.ends.close)
            self._connections = stack.pop_all()

    async def close(self) -> None:
        """Disconnect; whoever still waits for a job is told so."""
        await self._connections.aclose()

    async def submit(
        self,
        source: str,
        item: str,
        *,
        job_id: str | None = None,
        tenant: str | None = None,
        **fields: Unpack[RequestFields],
    ) -> Job:
        """Ask for a job, and wait until Kafka has the request.

        Args:
            source: where the item comes from, such as ``ctgov``.
            item: its id there.
            job_id: the job's id; asking twice for the same with the same id is asking once. None makes a new job.
            tenant: whose job it is, if not the connection's.
            fields: ``topology``, ``until``, ``skip_completed``, ``priority``, ``payload``, ``metadata``; see
                `JobRequest`.

        Raises:
            InvalidRequest: something of it breaks a rule; the message names the field, and nothing was sent.
            JobIdTaken: the id is another job's.
            KafkaUnavailable: Kafka has not taken it.
        """
        event = await self._submit(job_request(source, [item], **fields), job_id, tenant)
        return Job(self, event.extensions["jobid"], event.id)

    async def submit_batch(
        self,
        source: str,
        items: Sequence[str] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        job_id: str | None = None,
        tenant: str | None = None,
        **fields: Unpack[RequestFields],
    ) -> Batch:
        """Ask for a batch: a list of items, or a query of the source.

        Args:
            source: where the items come from.
            items: their ids there; a list of one is a batch, too.
            query: the source's own parameters, such as ``{"cond": "hernia"}`` of ctgov.
            job_id: the batch's id; as in `submit`.
            tenant: whose batch it is, if not the connection's.
            fields: as in `submit`, and ``limit``: of a query, at most so many items.

        Raises:
            InvalidRequest: as in `submit`.
            JobIdTaken: as in `submit`.
            KafkaUnavailable: Kafka has not taken it.
        """
        request = job_request(source, list(items or ()), query, **fields)
        if request.id is not None:  # a list of one is a batch, too
            request = request.model_copy(update={"id": None, "ids": [request.id]})
        event = await self._submit(request, job_id, tenant)
        return Batch(self, event.extensions["jobid"], event.id)

    def job(self, id: str) -> Job:  # noqa: A002 - its name
        """A job that was asked for before, by whomever."""
        return Job(self, id)

    def batch(self, id: str) -> Batch:  # noqa: A002 - its name
        """A batch that was asked for before, by whomever."""
        return Batch(self, id)

    async def jobs(self, **filters: str) -> AsyncIterator[Job]:
        """The jobs that fit, newest first.

        Args:
            filters: ``state``, ``stage``, ``tenant``, ``pipeline``, ``batch``; all must fit.
        """
        async for state in self.ledger.each_job(filters):
            yield Job(self, state.job_id)

    async def events(
        self,
        *,
        job: str | None = None,
        batch: str | None = None,
        tenant: str | None = None,
        stage: str | None = None,
        type: str | None = None,  # noqa: A002 - the event's own word
        since: Since = "now",
    ) -> AsyncGenerator[Event, None]:
        """What happens, as it happens; never ends by itself.

        Args:
            job: only this job's.
            batch: only this batch's.
            tenant: only this tenant's.
            stage: only this stage's.
            type: only these, such as ``stage.failed``.
            since: ``now``; ``beginning``, the oldest event that is kept; a time in milliseconds since 1970-01-01 UTC;
                or an event's `position`, to go on behind it.

        Raises:
            InvalidRequest: `since` is none of these.
            KafkaUnavailable: Kafka does not answer.
        """
        wanted = EventFilter(job, batch, tenant, stage, type)
        async with aclosing(follow_events(self.settings.kafka, self.store, wanted, since)) as events:
            async for event in events:
                yield event

    async def search(  # noqa: PLR0913 - what a search may say
        self,
        text: str,
        *,
        tenant: str | None = None,
        size: int = 10,
        filters: SearchFilters | None = None,
        cursor: str | None = None,
        arms: Sequence[Arm] | None = None,
        facets: Sequence[Facet] | None = None,
        expand: Sequence[str] | None = None,
    ) -> HybridPage:
        """Search all indexed documents by words, by terms of a model and by meaning, best hits first.

        Args:
            text: what is looked for.
            tenant: whose documents.
            size: hits on a page.
            filters: which chunks are looked at.
            cursor: continues where the page that gave it ended.
            arms: only these ways of searching; all, unless it is given.
            facets: count what matches by these fields.
            expand: vocabularies, such as ``mesh``, by which other names and narrower terms are looked for, too.

        Raises:
            InvalidRequest: something of the search breaks its rule.
            IndexMissing: the tenant has no index yet.
            SearchUnavailable: the search service does not answer.
        """
        more = {"filters": filters, "cursor": cursor, "arms": arms, "facets": facets, "expand": expand}
        return await self._search.search(self._asked(HybridRequest, query=text, tenant=tenant, size=size, **more))

    async def similar(
        self,
        like: str,
        *,
        tenant: str | None = None,
        size: int = 10,
        filters: SearchFilters | None = None,
        cursor: str | None = None,
        arms: Sequence[Arm] | None = None,
    ) -> HybridPage:
        """Search for what is like a chunk or a document, in other documents, best hits first.

        Args:
            like: what others are to be like: a hit's `record_id`, or its chunk's id; or a document's id, NCT number,
                PMID, DOI or acronym.
            tenant: whose documents.
            size: hits on a page.
            filters: which chunks are looked at.
            cursor: continues where the page that gave it ended.
            arms: only these ways of searching; all, unless it is given.

        Raises:
            InvalidRequest: something of the search breaks its rule.
            NotFound: nothing of the tenant has this id.
            IndexMissing: the tenant has no index yet.
            SearchUnavailable: the search service does not answer.
        """
        more = {"filters": filters, "cursor": cursor, "arms": arms}
        return await self._search.similar(self._asked(SimilarRequest, like=like, tenant=tenant, size=size, **more))

    async def evaluate_retrieval(
        self,
        folder: Path | str,
        *,
        split: str = "test",
        tenant: str | None = None,
        topology: str | None = None,
        tune: bool = False,
    ) -> "EvaluationReport":
        """Measure how good searches are, on a test collection in BEIR's layout; see docs/guides/evaluate-retrieval.md.

        Args:
            folder: with ``corpus.jsonl``, ``queries.jsonl`` and ``qrels/*.tsv``.
            split: whose queries are asked.
            tenant: whose index the corpus fills; None takes one that no other corpus has.
            topology: by which it goes there; None leaves that to the router.
            tune: find weights for the fusion, too.

        Raises:
            NotFound: the folder lacks a file, or has no such split.
            InvalidInput: the folder has a broken row; the message names file and line.
            InvalidRequest: the tenant has other documents.
            NotCompleted: some rows did not get into the index.
            Unfinished: they did not get there in time.
            ResourceUnavailable: a server does not answer.
        """
        # Brings libraries that nothing else needs.
        from medkg_operations.evaluation.evaluate import Evaluation, evaluate_retrieval  # noqa: PLC0415
        from medkg_operations.evaluation.watching import Unwatched  # noqa: PLC0415

        wanted = Evaluation(Path(folder), split, tenant, topology, tune=tune)
        return await evaluate_retrieval(self.settings, wanted, Unwatched(), by=self.by, source=self.source)

    async def remove_document(
        self, document_id: str, *, tenant: str | None = None, dry_run: bool = False
    ) -> DocumentRemoval:
        """Remove a document from the search index, with all its vectors, and the graph; again removes nothing.

        Args:
            document_id: such as ``ctgov:NCT05814159``.
            tenant: whose document it is, if not the connection's.
            dry_run: only count what there is.

        Raises:
            IndexMissing: the tenant has no index, nor is the document in the graph.
            GraphUnavailable: Neo4j does not answer. Nothing was removed, or the repeat goes on.
            IndexUnavailable: OpenSearch does not answer, or others write the document all the time.
            KafkaUnavailable: Kafka does not answer. What was done by then is done; do it again.
        """
        return await remove_document(
            self.settings, tenant or self.tenant, document_id, source=self.source, dry_run=dry_run
        )

    async def give(self, orders: Sequence[CloudEvent], timeout_s: float = ANSWER_S) -> list[Answer]:
        """Give orders, made by `medkg_operations.control.order_event`, and wait for the router's answers.

        Raises:
            KafkaUnavailable: Kafka does not answer.
        """
        async with Control(self.settings) as control:
            return await control.ask(orders, timeout_s)

    def _asked(self, kind: type[AskedT], **said: object) -> AskedT:
        """A search for what is said and not None; of the connection's tenant, unless another is said."""
        given = {"tenant": self.tenant} | {name: value for name, value in said.items() if value is not None}
        try:
            return kind.model_validate(given)
        except ValidationError as error:
            raise InvalidRequest(first_violation(error)) from error

    async def _submit(self, request: JobRequest, job_id: str | None, tenant: str | None) -> CloudEvent:
        event = request_event(request, source=self.source, tenant=tenant or self.tenant, job=job_id)
        if job_id is not None:
            await check_id(self.ledger, event)
        await self._producer.acknowledged([await self._producer.send(topics.REQUESTS, event)])
        return event
