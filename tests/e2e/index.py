"""What should be in the search index, and what is."""

from collections.abc import Mapping

from medkg_contracts.ir import Chunk
from medkg_ledger import JobState
from opensearchpy import OpenSearch
from pydantic import TypeAdapter

from .spine import Spine

_CHUNKS = TypeAdapter(list[Chunk])


async def expected_chunks(spine: Spine, states: Mapping[str, JobState], tenant: str) -> set[str]:
    """The ids of the chunks that these jobs' artifacts hold."""
    ids: set[str] = set()
    for state in states.values():
        ids |= {chunk.id for chunk in _CHUNKS.validate_json(await spine.store.get(tenant, state.artifacts["chunks"]))}
    return ids


def indexed_chunks(spine: Spine, tenant: str) -> list[str]:
    """The ids of all chunks in the tenant's index; none while it has no index."""
    index = f"medkg-{tenant}-chunks"
    with OpenSearch(spine.settings.opensearch_url) as client:
        if not client.indices.exists_alias(name=index):
            return []
        client.indices.refresh(index=index)
        answer = client.search(index=index, body={"query": {"match_all": {}}, "size": 10_000, "_source": False})
    return [hit["_id"] for hit in answer["hits"]["hits"]]
