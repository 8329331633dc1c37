"""Puts the service together, whoever encodes queries."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

import httpx
from medkg_artifacts import ArtifactStore
from medkg_bus.cluster import Cluster
from medkg_contracts import topics
from medkg_search import SearchServer
from medkg_search.arms import bm25_clause
from medkg_search.hybrid import Arm
from medkg_search.similar import similar_clause
from medkg_servicekit.http import HttpWork
from medkg_vectorview import Follower

from .asking import Arms, Retriever
from .graph import PATIENCE_S, cypher_route, graph_routes
from .hybrid import HybridSearch, Reranking
from .part import ViewPart
from .peer import Peer
from .records import Records
from .rerank import Reranker
from .retriever import ArmQuery, Clause, DenseRetriever, TermRetriever, VectorEncoder
from .server import create_app
from .settings import SearchServiceSettings
from .shards import Shards
from .vocabularies import Vocabularies


async def wired(
    settings: SearchServiceSettings,
    stack: AsyncExitStack,
    encoder: VectorEncoder,
    splade: Clause,
    vocabularies: Vocabularies,
) -> HttpWork:
    """The service at work; what it opens is closed with the stack.

    Args:
        settings: its own.
        stack: takes what is opened.
        encoder: makes vectors for the dense arm.
        splade: what the SPLADE arm asks OpenSearch.
        vocabularies: by which queries are expanded, and entities named.

    Raises:
        ConfigurationError: a setting is wrong, or Kafka has no changelog.
        KafkaUnavailable: Kafka does not answer.
    """
    shard = settings.shard
    store = ArtifactStore.from_url(settings.artifacts_url)
    follower = await stack.enter_async_context(Follower.of(settings, store))
    async with Cluster(settings.kafka) as cluster:
        partitions = len(await cluster.partitions(topics.VECTORS))
    part = ViewPart(follower, shard, partitions)
    http = await stack.enter_async_context(httpx.AsyncClient(timeout=settings.search_timeout_s))
    server = SearchServer(settings.opensearch_url, timeout_s=settings.search_arm_timeout_s)
    stack.push_async_callback(server.close)
    peers = [Peer(http, url) for url in settings.peers]
    shards = Shards(part, peers, shard.count, settings.search_peer_timeout_s)
    records = Records(server)
    retrievers: dict[Arm, Retriever] = {
        Arm.BM25: TermRetriever(records, shards, words_clause),
        Arm.SPLADE: TermRetriever(records, shards, splade),
        Arm.DENSE: DenseRetriever(records, shards, encoder),
    }
    weights = settings.weights
    arms = Arms(
        {arm: retrievers[arm] for arm in weights}, weights, settings.search_depth, settings.search_arm_timeout_s
    )
    search = HybridSearch(arms, records, vocabularies, _reranking(settings, http), settings.search_arm_timeout_s)
    app = create_app(search, part, part.unready, settings.search_timeout_s)
    graph = settings.connect(PATIENCE_S)
    stack.push_async_callback(graph.close)
    app.include_router(graph_routes(graph, settings.search_graph_timeout_s))
    if settings.search_cypher:
        app.include_router(cypher_route(graph, settings.search_graph_timeout_s))
    return HttpWork(app, background=[encoder.keep_open(part.all_models)], checks=[part.unready])


def _reranking(settings: SearchServiceSettings, http: httpx.AsyncClient) -> Reranking | None:
    if not settings.search_rerank_url:
        return None
    reranker = Reranker(http, settings.search_rerank_url, settings.search_rerank_model)
    return Reranking(reranker, settings.search_rerank_hits, settings.search_rerank_timeout_s)


async def words_clause(query: ArmQuery) -> Mapping[str, Any]:
    """What the BM25 arm asks OpenSearch: the query's words, or those that tell what is given from others."""
    return bm25_clause(query.query, query.expanded) if query.like is None else similar_clause(query.like)
