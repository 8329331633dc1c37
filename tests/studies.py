"""Requests for recorded studies, and what has become of them."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from medkg_artifacts import ArtifactStore
from medkg_contracts.ir import Chunk
from medkg_contracts.kinds import Kind
from medkg_contracts.requests import JobRequest
from medkg_ledger import JobState
from medkg_testing import LocalStack
from opensearchpy import OpenSearch
from pydantic import TypeAdapter

_CHUNKS = TypeAdapter(list[Chunk])


def hurried(product: LocalStack) -> LocalStack:
    """The product without the politeness that its topologies have towards a source that is not ours."""
    policies = product.topologies / "policies.yaml"
    with product.watch() as watch:
        policies.write_text(policies.read_text().replace("rate: 5/s", "rate: 1000/s\n    burst: 100"))
        watch.seen(Kind.TOPOLOGY_LOADED)
    return product


def studies(nct_ids: Sequence[str], **fields: Any) -> list[JobRequest]:
    """A request for each study."""
    return [JobRequest(source="ctgov", id=nct_id, **fields) for nct_id in nct_ids]


def states_of(product: LocalStack, jobs: Iterable[str]) -> dict[str, JobState]:
    """The ledger's records of these jobs."""

    async def ask() -> dict[str, JobState]:
        async with product.connect() as kg:
            return {job: await kg.job(job).status() for job in jobs}

    return asyncio.run(ask())


def all_states(product: LocalStack, **filters: str) -> dict[str, JobState]:
    """The ledger's records of all jobs that fit."""

    async def ask() -> dict[str, JobState]:
        async with product.connect() as kg:
            return {state.job_id: state async for state in kg.ledger.each_job(filters)}

    return asyncio.run(ask())


def expected_chunks(product: LocalStack, states: Mapping[str, JobState], tenant: str) -> set[str]:
    """The ids of the chunks that these jobs' artifacts hold."""
    store = ArtifactStore.from_url(product.settings.artifacts_url)

    async def read() -> set[str]:
        bodies = [await store.get(tenant, state.artifacts["chunks"]) for state in states.values()]
        return {chunk.id for body in bodies for chunk in _CHUNKS.validate_json(body)}

    return asyncio.run(read())


def indexed_chunks(product: LocalStack, tenant: str) -> list[str]:
    """The ids of all chunks in the tenant's index; none while it has no index."""
    index = f"medkg-{tenant}-chunks"
    with OpenSearch(product.opensearch_url) as client:
        if not client.indices.exists_alias(name=index):
            return []
        client.indices.refresh(index=index)
        answer = client.search(index=index, body={"query": {"match_all": {}}, "size": 10_000, "_source": ["chunk_id"]})
    return [hit["_source"]["chunk_id"] for hit in answer["hits"]["hits"]]
