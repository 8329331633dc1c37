"""The whole evaluation: a collection through the pipeline, its queries through the search, and what came of it."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from medkg_contracts.errors import InvalidRequest
from medkg_search import TenantNames
from medkg_search.settings import SearchSettings

from medkg_operations.search import SearchClient

from .asking import Asking
from .collection import BeirCollection, Judgments, read_collection
from .collection_files import judged_documents
from .indexing import Indexing, Pipeline, index_corpus
from .measures import DEPTH, means, per_query
from .rankings import Ranking, best_documents
from .report import ArmReport, CorpusReport, EvaluationReport
from .retrieval import Answers
from .search_service import is_cut
from .splits import two_sides
from .watching import Watch

_NOT_A_SLUG: Final = re.compile(r"[^a-z0-9]+")
_LONGEST_SLUG: Final = 40


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What is to be evaluated, and how.

    Attributes:
        folder: the test collection, in BEIR's layout.
        split: whose queries are asked.
        tenant: whose index the corpus fills; None takes one that no other corpus has.
        topology: by which it goes there; None leaves that to the router.
        concurrency: so many queries are asked at a time.
        tune: find weights for the fusion, too.
        timeout_s: how long indexing may take.
    """

    folder: Path
    split: str = "test"
    tenant: str | None = None
    topology: str | None = None
    concurrency: int = 4
    tune: bool = False
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
    sides = two_sides(collection, wanted.split) if wanted.tune else None
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
    async with SearchClient(settings.search_url) as client:
        asking = Asking(collection, client.search, tenant, wanted.concurrency, watch)
        await asking.prepare()
        answers = await asking.all_arms(judgments)
        tuning = None if sides is None else await asking.tune(sides, answers)
    return EvaluationReport(
        corpus=_corpus_report(collection, tenant, indexing),
        split=wanted.split,
        queries=len(judgments),
        judgments=judged_documents(judgments),
        absent=collection.absent(judgments),
        cut=[query for query in judgments if is_cut(collection.queries[query])],
        arms={arm: _arm_report(each, judgments, collection, tenant) for arm, each in answers.items()},
        tuning=tuning,
    )


def own_tenant(collection: BeirCollection) -> str:
    """A tenant for this corpus alone, called like its folder: a corpus with another row gets another one."""
    slug = _NOT_A_SLUG.sub("-", collection.name.lower()).strip("-")[:_LONGEST_SLUG].rstrip("-")
    return f"eval-{slug or 'corpus'}-{collection.digest[:8]}"


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
