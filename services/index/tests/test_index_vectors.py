"""Both halves of a write: a real OpenSearch and a real Kafka hold the same of each document, whatever dies."""

import asyncio
from collections.abc import Sequence
from time import monotonic
from typing import Any

import pytest
from medkg_bus.changelog import VectorChangelog
from medkg_contracts.changelog import VectorChange, VisibleVersion
from medkg_contracts.errors import ConfigurationError, IndexUnavailable, InvalidDocument, KafkaUnavailable
from medkg_contracts.ir import IndexReceipt
from medkg_contracts.vectors import EmbeddingModel, SparseModel
from medkg_index.document_write import Given, document_write
from medkg_index.live_models import LiveModels
from medkg_index.stage import OpenSearchIndexStage
from medkg_index.writing import READ_S, BatchWriter
from medkg_search import SearchServer, TenantNames, ensure_indices
from medkg_search.sparse_model import first_sparse_model, sparse_models

from .documents import MODEL, Job, make, run, stage_of, vector_of
from .stores import PARTITIONS, Death, Died, MortalChangelog, MortalServer, indexed, view_of, written

pytestmark = pytest.mark.integration


async def test_a_document_is_written_with_all_its_vectors(
    stage: OpenSearchIndexStage, server: SearchServer, bootstrap: str, tenant: str
) -> None:
    """Its records, findable at once, and its vectors are the same; a repeat changes neither."""
    job = make("one", "Alpha", "Beta")
    receipts = [await run(stage, tenant, job) for _ in range(2)]
    found, view = await indexed(server, tenant, "test:one"), await view_of(bootstrap, tenant)

    order = view.visible["test:one"].order
    expected = IndexReceipt(
        document_id="test:one", index=TenantNames(tenant).chunks, chunks=2, stale_removed=0, order=order
    )
    assert [[expected], [expected]] == receipts
    assert {("Alpha", True), ("Beta", True)} == {(record["text"], record["vectors"]) for record in found.values()}
    assert {"Alpha": 2.0, "a%2Eb": 1.0} == next(r["sparse"] for r in found.values() if r["text"] == "Alpha")
    assert {record: (one["version"], vector_of(one["text"])) for record, one in found.items()} == view.vectors
    assert found.keys() == view.records("test:one")
    assert 2 == view.visible["test:one"].chunks
    assert dict.fromkeys(range(PARTITIONS), MODEL) == {number: live.model for number, live in view.models.items()}


async def test_what_stands_is_not_written_by_who_is_not_to_do_it_again(
    stage: OpenSearchIndexStage, server: SearchServer, bootstrap: str, tenant: str
) -> None:
    """With skip_completed a version that is seen costs a look; any other job writes it, and puts right what is not."""
    job, other = make("one", "Alpha"), make("one", "Beta")
    (first,) = await run(stage, tenant, job)
    (record,) = await indexed(server, tenant, "test:one")
    names, change = TenantNames(tenant), {"doc": {"text": "Damaged"}}
    await server.call("POST", f"/{names.chunks_index}/_update/{record}", body=change, params={"refresh": "true"})

    texts = []
    for version, skips in ((job, True), (job, False), (other, True)):
        receipts = await run(stage, tenant, version, skip_completed=skips)
        texts += [one["text"] for one in (await indexed(server, tenant, "test:one")).values()]
        order = (await view_of(bootstrap, tenant)).visible["test:one"].order
        removed = 0 if version is job else 1
        assert [first.model_copy(update={"stale_removed": removed, "order": order})] == receipts
    view = await view_of(bootstrap, tenant)

    assert ["Damaged", "Alpha", "Beta"] == texts
    assert [vector_of("Beta")] == [vector for _, vector in view.vectors.values()]


async def test_a_new_version_leaves_nothing_of_the_old_one(
    stage: OpenSearchIndexStage, server: SearchServer, bootstrap: str, tenant: str
) -> None:
    """Neither a record nor a vector, with whatever vectors the versions have."""
    versions = [
        make("one", "Alpha", "Beta"), make("one", "Beta", "Gamma"), make("one", "Beta", model=None),
        make("one"), make("one", "Alpha", "Beta"),
    ]  # fmt: skip
    for job in versions:
        (receipt,) = await run(stage, tenant, job)
        found, view = await indexed(server, tenant, "test:one"), await view_of(bootstrap, tenant)
        with_vectors = set() if job[2] is None else set(found)

        assert isinstance(receipt, IndexReceipt)
        assert {chunk.text for chunk in job[1]} == {record["text"] for record in found.values()}
        assert {view.visible["test:one"].version} >= {record["version"] for record in found.values()}
        assert (with_vectors, with_vectors) == (view.records("test:one"), set(view.vectors))


@pytest.mark.parametrize(("when", "skips"), [("before", False), ("half", True), ("behind", True)])
async def test_whatever_dies_a_repeat_puts_right(
    server: SearchServer, opensearch_url: str, bootstrap: str, tenant: str, when: str, *, skips: bool
) -> None:
    """A death at any step leaves one whole version in both stores; the repeat leaves the new one, and nothing else."""
    await ensure_indices(server, tenant)
    stage = stage_of(opensearch_url, bootstrap)
    old = [make(f"d{step}", "Alpha", "Beta", "Gamma", "Delta") for step in range(14)]
    new = [make(f"d{step}", "Gamma", "Delta", "Epsilon", "Zeta") for step in range(14)]
    assert all(isinstance(each, IndexReceipt) for each in await run(stage, tenant, *old))

    deaths = [await dies(opensearch_url, bootstrap, tenant, job, Death(step, when)) for step, job in enumerate(new)]
    after = await view_of(bootstrap, tenant)
    seen = [await whole(server, tenant, job[0].id, after.visible[job[0].id].version) for job in new]
    dense = [after.records(job[0].id) for job in new]
    of_node = {record for record, _, _ in after.node.visible_records(tenant, MODEL)}
    repeated = await run(stage, tenant, *new, skip_completed=skips)
    view = await view_of(bootstrap, tenant)
    await stage.close()

    assert ([True] * 13 + [False]) == deaths
    texts = [{chunk.text for chunk in job[1]} for job in (old[0], new[0])]
    assert all(set(found.values()) in texts and set(found) == its for found, its in zip(seen, dense, strict=True))
    assert of_node == {record for its in dense for record in its}
    assert all(isinstance(each, IndexReceipt) for each in repeated)
    for job in new:
        found = await indexed(server, tenant, job[0].id)
        assert {chunk.text for chunk in job[1]} == {record["text"] for record in found.values()}
        assert found.keys() == view.records(job[0].id) == {r for r in view.vectors if r in found}
        assert view.visible[job[0].id] == view.last[job[0].id]
    assert 4 * len(new) == len(view.vectors)
    assert view.vectors.keys() == {record for record, _, _ in view.node.visible_records(tenant, MODEL)}


async def dies(opensearch: str, kafka: str, tenant: str, job: Job, death: Death) -> bool:
    """Write the job until death comes; whether it came."""
    server, changelog = MortalServer(opensearch, death), MortalChangelog(kafka, death)
    models = LiveModels(server, changelog)
    try:
        await BatchWriter(server, changelog, models, "false", [document_write(0, tenant, Given(*job, None))]).write()
    except Died:
        return True
    finally:
        await server.close()
        await changelog.close()
    return False


async def whole(server: SearchServer, tenant: str, document_id: str, version: str) -> dict[str, str]:
    """The texts of the records of this version by their ids: those that searches take for the document."""
    found = await indexed(server, tenant, document_id)
    return {record: one["text"] for record, one in found.items() if one["version"] == version}


async def test_versions_that_are_written_at_once_leave_one(
    server: SearchServer, opensearch_url: str, bootstrap: str, tenant: str
) -> None:
    """Whoever is last, both stores have its version alone, and it is the changelog's last word."""
    jobs = [make("one", "Shared", f"Only {number}") for number in range(3)]
    stages = [stage_of(opensearch_url, bootstrap) for _ in jobs]

    async def until_written(stage: OpenSearchIndexStage, job: Job) -> None:
        while isinstance((await run(stage, tenant, job))[0], IndexUnavailable):
            pass

    await asyncio.gather(*(until_written(one, job) for one, job in zip(stages, jobs, strict=True)))
    for one in stages:
        await one.close()
    found, view = await indexed(server, tenant, "test:one"), await view_of(bootstrap, tenant)

    assert {record["text"] for record in found.values()} in [{chunk.text for chunk in job[1]} for job in jobs]
    assert found.keys() == view.records("test:one") == view.vectors.keys()
    assert view.visible["test:one"] == view.last["test:one"]


async def test_vectors_of_another_model_are_refused(
    stage: OpenSearchIndexStage, server: SearchServer, bootstrap: str, tenant: str
) -> None:
    """They could not be compared with those that are there; the error says how to move, and batch mates are written."""
    other = EmbeddingModel(name="other", revision="3" * 64, dimension=2)
    await run(stage, tenant, make("one", "Alpha"))
    refused, good = await run(stage, tenant, make("two", "Beta", model=other), make("three", "Gamma"))
    view = await view_of(bootstrap, tenant)

    assert isinstance(refused, ConfigurationError)
    assert "has vectors of made@111111111111 (2 numbers, normalised); these are of other@333333333333" in str(refused)
    assert f"`medkg index migrate --tenant {tenant} --model other`, then the same with --switch" in refused.info.remedy
    assert isinstance(good, IndexReceipt)
    assert {} == await indexed(server, tenant, "test:two")
    assert {"test:one", "test:three"} == set(view.visible)


async def test_sparse_vectors_of_another_model_are_refused(
    stage: OpenSearchIndexStage, server: SearchServer, bootstrap: str, tenant: str
) -> None:
    """Their weights are of other terms, or weigh otherwise; the error names both models, and mates are written."""
    other = SparseModel(name="other", revision="3" * 64)
    await run(stage, tenant, make("one", "Alpha"))
    refused, good = await run(stage, tenant, make("two", "Beta", sparse=other), make("three", "Gamma"))
    view = await view_of(bootstrap, tenant)

    assert isinstance(refused, ConfigurationError)
    assert "has sparse vectors of sparse@222222222222; these are of other@333333333333" in str(refused)
    assert "Set the SPLADE service back to sparse (MK_SPLADE_MODEL), or index with other" in refused.info.remedy
    assert isinstance(good, IndexReceipt)
    assert {} == await indexed(server, tenant, "test:two")
    assert {"test:one", "test:three"} == set(view.visible)


async def test_of_two_first_sparse_models_one_is_the_tenants(server: SearchServer, tenant: str) -> None:
    """Whoever is first to write it: all are answered the same."""
    await ensure_indices(server, tenant)
    models = [SparseModel(name=name, revision="4" * 64) for name in "ab"]
    found = await asyncio.gather(*(first_sparse_model(server, TenantNames(tenant), model) for model in models))

    assert found[0] in models
    assert found[0] == found[1] == (await sparse_models(server, [TenantNames(tenant)]))[tenant]


async def test_a_version_that_fails_for_good_is_taken_back_from_both(
    stage: OpenSearchIndexStage, server: SearchServer, bootstrap: str, tenant: str
) -> None:
    """Its vectors were written before OpenSearch refused a record; neither they nor its other records stay."""
    await run(stage, tenant, make("one", "Old"))
    document, chunks, embeddings, sparse = make("one", "Half", "Bad")
    bad = (document, [chunks[0], chunks[1].model_copy(update={"ordinal": 2**40})], embeddings, sparse)
    (refused,) = await run(stage, tenant, bad)
    found, view = await indexed(server, tenant, "test:one"), await view_of(bootstrap, tenant)

    assert isinstance(refused, InvalidDocument)
    assert ["Old"] == [record["text"] for record in found.values()]
    assert found.keys() == view.records("test:one") == view.vectors.keys()


async def test_without_kafka_only_what_has_vectors_waits(
    server: SearchServer, opensearch_url: str, tenant: str
) -> None:
    """A document without vectors needs no Kafka; one that has some is to be tried again, and nothing of it is seen."""
    stage = stage_of(opensearch_url, "127.0.0.1:1")
    waits, written = await run(stage, tenant, make("one", "Alpha"), make("two", "Beta", model=None))
    await stage.close()

    assert isinstance(waits, KafkaUnavailable)
    assert isinstance(written, IndexReceipt)
    assert {} == await indexed(server, tenant, "test:one")


async def test_what_is_there_is_not_written_again(
    stage: OpenSearchIndexStage, server: SearchServer, tenant: str
) -> None:
    """A repeat leaves the records of an unchanged document as they are; if one is gone, it writes all of them."""
    job = make("one", "Alpha", "Beta")
    receipts: list[IndexReceipt | Exception] = []
    writes = []
    for gone in (False, False, True):
        if gone:
            record = next(iter(await indexed(server, tenant, "test:one")))
            await server.call("DELETE", f"/{TenantNames(tenant).chunks}/_doc/{record}")
        receipts += await run(stage, tenant, job)
        writes.append(await written(server, tenant))

    assert receipts == [receipts[0]] * 3
    first, repeated, mended = writes
    assert first == repeated
    assert first.keys() == mended.keys()
    assert all(mended[record] > number for record, number in first.items())


async def test_a_document_is_not_gone_while_nodes_read_of_its_new_version(
    opensearch_url: str, bootstrap: str, tenant: str
) -> None:
    """The records that were seen are deleted some time after the changelog says that others are."""
    said: list[float] = []
    deleted: list[float] = []

    class Server(SearchServer):
        async def call(self, method: str, path: str, **kwargs: Any) -> dict[str, Any]:
            if b'"delete"' in (kwargs.get("body") or b""):
                deleted.append(monotonic())
            return await super().call(method, path, **kwargs)

    class Changelog(VectorChangelog):
        async def write(self, groups: Sequence[Sequence[VectorChange]]) -> list[KafkaUnavailable | None]:
            errors = await super().write(groups)
            if any(isinstance(change, VisibleVersion) for group in groups for change in group):
                said.append(monotonic())
            return errors

    server, changelog = Server(opensearch_url), Changelog(bootstrap, "clocked", "/test")
    models = LiveModels(server, changelog)
    await ensure_indices(server, tenant)
    for job in (make("one", "Alpha"), make("one", "Beta")):
        await BatchWriter(server, changelog, models, "false", [document_write(0, tenant, Given(*job, None))]).write()
    await server.close()
    await changelog.close()

    assert (2, 1) == (len(said), len(deleted))
    assert deleted[0] - said[1] >= READ_S
