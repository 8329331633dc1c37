"""A tenant's searches move to another model: a real OpenSearch and a real Kafka hold all of both, whatever happens."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from medkg_contracts.errors import ConfigurationError, IndexUnavailable
from medkg_contracts.ir import IndexReceipt
from medkg_contracts.vectors import EmbeddingModel
from medkg_index.stage import OpenSearchIndexStage
from medkg_models.dense_opening import open_dense
from medkg_models.testing import FakeVllm, fake_vllm
from medkg_operations.documents import remove_document
from medkg_operations.reembedding.filling import Filler
from medkg_operations.reembedding.migration import discard_generation, fill_generation, switch_generation
from medkg_operations.reembedding.passes import fill_all, missing
from medkg_operations.reembedding.progress import Unwatched
from medkg_operations.reembedding.settings import ReembeddingSettings
from medkg_operations.reembedding.stores import TenantStores, tenant_stores
from medkg_operations.settings import StoreSettings
from medkg_search import SearchServer, TenantNames

from .documents import MODEL, make, run
from .stores import PARTITIONS, ChangelogView, Death, Died, MortalChangelog, MortalServer, indexed, view_of

pytestmark = pytest.mark.integration

NAME = "new"


class Gated(FakeVllm):
    """A server of the new model that encodes only when it may.

    Attributes:
        asked: somebody has asked for vectors of documents.
        may: it goes on.
    """

    def __init__(self) -> None:
        super().__init__()
        self.name = NAME
        self.asked, self.may = threading.Event(), threading.Event()
        self.may.set()

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """As vLLM answers, once it may."""
        if path == "/v1/embeddings" and body["input"] != ["ready"]:
            self.asked.set()
            self.may.wait()
        return super().answer(path, body)


@pytest.fixture
def vllm() -> Iterator[Gated]:
    with fake_vllm(Gated()) as fake:
        assert isinstance(fake, Gated)
        yield fake
        fake.may.set()


@pytest.fixture
def settings(opensearch_url: str, bootstrap: str, vllm: Gated) -> ReembeddingSettings:
    return ReembeddingSettings(
        opensearch_url=opensearch_url, kafka=bootstrap, accelerator="cuda", embed_url=vllm.url, embed_truncate=True
    )


async def whole(server: SearchServer, tenant: str, vllm: Gated, view: ChangelogView, model: EmbeddingModel) -> set[str]:
    """The documents, each of whose records, and nothing besides, has the right vector of the new model."""
    found = {
        one: record for document in view.visible for one, record in (await indexed(server, tenant, document)).items()
    }
    expected = {one: unit(vllm.vector(f"{each['document_title']}\n{each['text']}")) for one, each in found.items()}
    there = {one: np.frombuffer(vector, "<f4") for one, vector in view.generations.get(model.key, {}).items()}

    assert expected.keys() == there.keys()
    assert all(np.allclose(expected[one], there[one]) for one in expected)
    assert there.keys() == {record for record, _, _ in view.node.visible_records(tenant, model)}
    return {each["document_id"] for each in found.values()}


def unit(vector: bytes) -> np.ndarray[Any, Any]:
    numbers = np.frombuffer(vector, "<f4")
    return numbers / np.linalg.norm(numbers)


async def searched(settings: ReembeddingSettings, tenant: str, model: EmbeddingModel) -> None:
    """Searches can be answered by any model."""


async def test_searches_move_to_another_model_while_documents_come_and_go(
    stage: OpenSearchIndexStage, server: SearchServer, bootstrap: str, tenant: str, settings: ReembeddingSettings,
    vllm: Gated,
) -> None:  # fmt: skip
    """What is written, changed and deleted meanwhile is right in both generations; searches go over, and back."""
    await run(stage, tenant, make("kept", "Alpha", "Beta"), make("changed", "Gamma"), make("gone", "Delta"))
    vllm.may.clear()
    filling = asyncio.create_task(fill_generation(settings, tenant, NAME, Unwatched(), source="/test"))
    await asyncio.to_thread(vllm.asked.wait)
    await run(stage, tenant, make("changed", "Other"), make("fresh", "Epsilon"))
    stores = StoreSettings(opensearch_url=settings.opensearch_url, kafka=settings.kafka, neo4j_url="")
    await remove_document(stores, tenant, "test:gone", source="/test")
    vllm.may.set()
    filled = await filling
    new = filled.beside
    view = await view_of(bootstrap, tenant)

    assert {"test:kept", "test:changed", "test:fresh"} == await whole(server, tenant, vllm, view, new)
    assert (3, {}) == (filled.documents, filled.failures)
    assert {(MODEL, new)} == {(live.model, live.beside) for live in view.models.values()}

    await run(stage, tenant, make("late", "Zeta"))
    switched = await switch_generation(settings, tenant, NAME, Unwatched(), source="/test", check=searched)
    refused, taken = await run(stage, tenant, make("old", "Eta"), make("none", "Theta", model=None))
    view = await view_of(bootstrap, tenant)

    assert (True, new, MODEL, 1) == (switched.changed, switched.live, switched.beside, switched.documents)
    assert isinstance(refused, ConfigurationError)
    assert f"Set the embedding service to {NAME}" in refused.info.remedy
    assert isinstance(taken, IndexReceipt)
    assert dict.fromkeys(range(PARTITIONS), (new, MODEL)) == {
        number: (live.model, live.beside) for number, live in view.models.items()
    }
    assert {"test:kept", "test:changed", "test:fresh", "test:late"} == await whole(server, tenant, vllm, view, new)

    back = await switch_generation(settings, tenant, MODEL.name, Unwatched(), source="/test", check=searched)
    again = await switch_generation(settings, tenant, MODEL.name, Unwatched(), source="/test", check=searched)
    discarded = await discard_generation(settings, tenant, NAME, Unwatched(), source="/test")
    view = await view_of(bootstrap, tenant)

    assert (True, False, MODEL, new) == (back.changed, again.changed, again.live, back.beside)
    assert (5, {}) == (discarded.vectors, view.generations[new.key])
    assert {(MODEL, None)} == {(live.model, live.beside) for live in view.models.values()}
    assert 5 == len(view.node.visible_records(tenant, MODEL))


async def test_whatever_dies_a_repeat_fills_the_rest(
    stage: OpenSearchIndexStage, server: SearchServer, bootstrap: str, tenant: str, settings: ReembeddingSettings,
    vllm: Gated,
) -> None:  # fmt: skip
    """A death in the middle of any step, and a version that comes then, leave nothing wrong and nothing too much."""
    await run(stage, tenant, make("one", "Alpha", "Beta"), make("two", "Gamma"))
    encoder = await open_dense(settings, "cuda")
    deaths = 0
    while True:
        death = Death(deaths, "half")
        mortal, changelog = MortalServer(settings.opensearch_url, death), MortalChangelog(bootstrap, death)
        stores = TenantStores(TenantNames(tenant), mortal, changelog)
        try:
            await fill_all(stores, Filler(stores, encoder, truncate=True), encoder.model.key, Unwatched())
        except Died:
            deaths += 1
        finally:
            await mortal.close()
            await changelog.close()
        if not death.came:
            break
        await run(stage, tenant, make("two", f"Gamma {deaths}"))
    await encoder.close()

    assert deaths > 8
    assert {"test:one", "test:two"} == await whole(
        server, tenant, vllm, await view_of(bootstrap, tenant), encoder.model
    )


async def test_what_is_written_when_searches_switch_begins_anew(
    stage: OpenSearchIndexStage, tenant: str, settings: ReembeddingSettings
) -> None:
    """While no vectors are taken a job is to be tried again, and the version that it was writing is dead."""
    await run(stage, tenant, make("one", "Alpha"))
    filled = await fill_generation(settings, tenant, NAME, Unwatched(), source="/test")
    async with tenant_stores(settings, tenant, "/test") as stores:
        await stores.change_models(lambda each: each.closed(filled.beside, each.order + 1))
        (waits,) = await run(stage, tenant, make("two", "Beta"))
        found = await missing(stores, filled.beside.key, overtake=True)
        again = await missing(stores, filled.beside.key, overtake=True)

    assert isinstance(waits, IndexUnavailable)
    assert f"migrate --tenant {tenant} --model {NAME} --switch" in waits.info.remedy
    assert (1, 0) == (found.overtaken, again.overtaken)
