"""The whole evaluation: a collection through the pipeline, its queries through the search, and what came of it."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from medkg_contracts.errors import InvalidRequest
from medkg_search import ChunkSearch, SearchServer, TenantNames
from medkg_search.settings import SearchSettings

from medkg_operations.progress import Tally

from .bm25 import Bm25
from .collection import BeirCollection, Judgments, read_collection
from .collection_files import judged_documents
from .indexing import Indexing, Pipeline, index_corpus
from .measures import DEPTH, means, per_query
from .rankings import Ranking, best_documents
from .report import ArmReport, CorpusReport, EvaluationReport
from .retrieval import Answers, Retriever, ask_all

_NOT_A_SLUG: Final = re.compile(r"[^a-z0-9]+")
_LONGEST_SLUG: Final = 40


class Watch(Protocol):
    """Whoever watches an evaluation.

    Attributes:
        tally: of the jobs.
    """

    tally: Tally

    def indexing(self) -> None:
        """The tally may have changed."""
        ...

    def asked(self, arm: str, done: int, total: int) -> None:
        """So many queries have been answered by this arm."""
        ...

    def say(self, text: str) -> None:
        """Something that is no result, and that people should know."""
        ...


@dataclass
class Unwatched:
    """Nobody watches."""

    tally: Tally = field(default_factory=Tally)

    def indexing(self) -> None:
        """Nothing."""

    def asked(self, arm: str, done: int, total: int) -> None:
        """Nothing."""

    def say(self, text: str) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What is to be evaluated, and how.

    Attributes:
        folder: the test collection, in BEIR's layout.
        split: whose queries are asked.
        tenant: whose index the corpus fills; None takes one that no other corpus has.
        topology: by which it goes there; None leaves that to the router.
        concurrency: so many queries are asked at a time.
        timeout_s: how long indexing may take.
    """

    folder: Path
    split: str = "test"
    tenant: str | None = None
    topology: str | None = None
    concurrency: int = 4
    timeout_s: float = 3600.0


async def evaluate_retrieval(
    settings: SearchSettings, wanted: Evaluation, watch: Watch, *, by: str, source: str
) -> EvaluationReport:
    """Send the corpus through the pipeline unless it is indexed already, ask all queries, and measure the answers.

    Args:
        settings: where the servers are.
        wanted: what, and how.
        watch: is told how far it is.
        by: who asks, for those who read the events.
        source: by which program: the events' `source`.

    Raises:
        NotFound: the folder lacks a file, or has no such split.
        InvalidInput: the folder has a broken row; the message names file and line.
        InvalidRequest: the tenant has other documents.
        NotCompleted: some rows did not get into the index.
        Unfinished: they did not get there in time.
        ResourceUnavailable: a server does not answer.
    """
    collection = read_collection(wanted.folder)
    judgments = collection.split(wanted.split)
    tenant = TenantNames(wanted.tenant or own_tenant(collection)).tenant
    indexing = await index_corpus(
        settings,
        collection,
        Pipeline(tenant, wanted.topology, by, source),
        watch.tally,
        timeout_s=wanted.timeout_s,
        shown=watch.indexing,
        report=watch.say,
    )
    queries = {query: collection.queries[query] for query in judgments}
    answers: dict[str, Answers] = {}
    async with _retrievers(settings, tenant) as retrievers:
        for arm, retriever in retrievers.items():
            answers[arm] = await _ask(arm, retriever, queries, wanted.concurrency, watch)
    return EvaluationReport(
        corpus=_corpus_report(collection, tenant, indexing),
        split=wanted.split,
        queries=len(queries),
        judgments=judged_documents(judgments),
        arms={arm: _arm_report(each, judgments, collection, tenant) for arm, each in answers.items()},
    )


def own_tenant(collection: BeirCollection) -> str:
    """A tenant for this corpus alone, called like its folder: a corpus with another row gets another one."""
    slug = _NOT_A_SLUG.sub("-", collection.name.lower()).strip("-")[:_LONGEST_SLUG].rstrip("-")
    return f"eval-{slug or 'corpus'}-{collection.digest[:8]}"


@asynccontextmanager
async def _retrievers(settings: SearchSettings, tenant: str) -> AsyncIterator[Mapping[str, Retriever]]:
    """The arms, once they see all that was indexed."""
    server = SearchServer(settings.opensearch_url)
    try:
        await server.call("POST", f"/{TenantNames(tenant).chunks}/_refresh")
        yield {"bm25": Bm25(ChunkSearch(server), tenant)}
    finally:
        await server.close()


async def _ask(arm: str, retriever: Retriever, queries: Mapping[str, str], concurrency: int, watch: Watch) -> Answers:
    return await ask_all(retriever, queries, concurrency, lambda done: watch.asked(arm, done, len(queries)))


def _arm_report(answers: Answers, judgments: Judgments, collection: BeirCollection, tenant: str) -> ArmReport:
    documents = {query: _known_documents(ranking, collection, tenant) for query, ranking in answers.rankings.items()}
    return ArmReport(measures=means(per_query(documents, judgments)), speed=answers.speed)


def _known_documents(ranking: Ranking, collection: BeirCollection, tenant: str) -> list[str]:
    for hit in ranking:
        if hit.document not in collection.rows:
            raise InvalidRequest(
                f"tenant {tenant!r} has {hit.document!r:.80} in its index, which the corpus has not",
                remedy="Name another tenant with --tenant.",
            )
    return best_documents(ranking, DEPTH)


def _corpus_report(collection: BeirCollection, tenant: str, indexing: Indexing) -> CorpusReport:
    return CorpusReport(
        name=collection.name,
        sha256=collection.digest,
        documents=len(collection.rows),
        wordless=list(collection.wordless.values()),
        tenant=tenant,
        topologies=list(indexing.topologies),
        before=indexing.before,
        sent=indexing.sent,
        seconds=round(indexing.seconds, 3),
    )
