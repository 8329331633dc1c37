"""What the two stores hold of a tenant whose documents have vectors."""

import asyncio
from typing import Final

import httpx
import numpy as np
from medkg_contracts.vectors import EmbeddingModel
from medkg_search import SearchServer, TenantNames
from medkg_search.live_model import stored_models
from medkg_search_service.nearest import MOST_NEAREST, NearestQuestion
from medkg_search_service.peer import Peer
from medkg_testing import LocalStack

_ASK_S: Final = 30.0


def index_records(product: LocalStack, tenant: str) -> dict[str, tuple[str, str]]:
    """Chunk and version of each of the tenant's records in OpenSearch."""

    async def ask() -> dict[str, tuple[str, str]]:
        server, names = SearchServer(product.opensearch_url, timeout_s=_ASK_S), TenantNames(tenant)
        try:
            await server.call("POST", f"/{names.chunks}/_refresh")
            body = {"size": 10_000, "_source": ["chunk_id", "version"]}
            hits = (await server.call("POST", f"/{names.chunks}/_search", body=body))["hits"]["hits"]
        finally:
            await server.close()
        return {hit["_id"]: (hit["_source"]["chunk_id"], hit["_source"]["version"]) for hit in hits}

    return asyncio.run(ask())


def served_records(product: LocalStack, tenant: str) -> list[str]:
    """The records that the search node finds among the tenant's vectors: all that are nearest to any vector."""

    async def ask() -> list[str]:
        model = await _model(product, tenant)
        vector = np.ones(model.dimension, "<f4").tobytes()
        question = NearestQuestion(tenant=tenant, model=model, vector=vector, k=MOST_NEAREST)
        async with httpx.AsyncClient(timeout=_ASK_S) as http:
            answer = await Peer(http, product.settings.search_url).nearest(question)
        return [record for record, _ in answer.hits]

    return asyncio.run(ask())


async def _model(product: LocalStack, tenant: str) -> EmbeddingModel:
    server = SearchServer(product.opensearch_url, timeout_s=_ASK_S)
    try:
        found = await stored_models(server, TenantNames(tenant))
    finally:
        await server.close()
    assert found is not None
    return found.models.model
