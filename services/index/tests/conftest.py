"""Servers with the changelog, and a tenant of one test."""

import uuid
from collections.abc import AsyncIterator

import pytest
from medkg_index.stage import OpenSearchIndexStage
from medkg_search import SearchServer, TenantNames

from .documents import stage_of
from .stores import make_topic


@pytest.fixture
async def bootstrap(kafka_bootstrap: str) -> str:
    """The address of a Kafka that has the changelog."""
    await make_topic(kafka_bootstrap)
    return kafka_bootstrap


@pytest.fixture
async def server(opensearch_url: str) -> AsyncIterator[SearchServer]:
    """A real OpenSearch."""
    one = SearchServer(opensearch_url, timeout_s=30)
    yield one
    await one.close()


@pytest.fixture
async def tenant(server: SearchServer) -> AsyncIterator[str]:
    """A tenant, whose indices go with the test."""
    name = f"v-{uuid.uuid4().hex[:12]}"
    yield name
    names = TenantNames(name)
    await server.call("DELETE", f"/{names.chunks_index},{names.documents_index}?ignore_unavailable=true")


@pytest.fixture
async def stage(opensearch_url: str, bootstrap: str) -> AsyncIterator[OpenSearchIndexStage]:
    """A stage on both."""
    one = stage_of(opensearch_url, bootstrap)
    yield one
    await one.close()
