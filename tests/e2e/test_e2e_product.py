"""Job requests on Kafka become indexed, searchable trials."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from medkg_artifacts import ArtifactStore
from medkg_contracts.errors import ArtifactMissing, IndexMissing
from medkg_contracts.ids import batch_item_id
from medkg_contracts.kinds import Kind, kind_of
from medkg_contracts.requests import JobRequest
from medkg_directrun import DirectRun
from medkg_ledger import JobState, JobStatus, NodeStatus
from medkg_operations.requests import request_event
from medkg_search import SearchPage
from medkg_stagekit import installed_stages
from medkg_testing import LocalStack
from medkg_topology.catalog import Catalog

from tests.shipped import PIPELINE
from tests.studies import expected_chunks, indexed_chunks, states_of, studies

from .inject import approve

pytestmark = pytest.mark.integration


def test_every_recorded_study_is_indexed(product: LocalStack, nct_ids: list[str]) -> None:
    """Each study ends completed, its chunks are in the index once, and each execution was told exactly once."""
    tenant = "every"
    with product.watch() as watch:
        jobs = product.submit(studies(nct_ids), tenant=tenant)
        ends = watch.ended(jobs)
    states = states_of(product, jobs)
    found = indexed_chunks(product, tenant)

    assert Counter({Kind.JOB_COMPLETED: len(nct_ids)}) == Counter(ends.values())
    assert expected_chunks(product, states, tenant) == set(found)
    assert len(set(found)) == len(found)
    mine = [event for event in watch.events if event.extensions["jobid"] in ends]
    told = Counter((kind_of(event), event.extensions.get("stage")) for event in mine)
    for stage in PIPELINE:
        assert len(jobs) == told[Kind.STAGE_STARTED, stage]
        assert len(jobs) == told[Kind.STAGE_COMPLETED, stage]


def test_events_of_a_job_are_in_causal_order(product: LocalStack, nct_ids: list[str]) -> None:
    """Sorting a job's events by their sequence gives the order in which they were read."""
    job = product.submit(*studies(nct_ids[:1]))
    product.wait_for_end(job)
    sequences = [event.extensions["sequence"] for event in product.events(job)]

    assert sorted(sequences) == sequences
    assert len(set(sequences)) == len(sequences)


def test_trace_is_continued_across_all_hops(product: LocalStack, nct_ids: list[str]) -> None:
    """All events of a job carry one trace id."""
    job = product.submit(*studies(nct_ids[:1]))
    product.wait_for_end(job)
    traces = {event.extensions["traceparent"][3:35] for event in product.events(job)}

    assert 1 == len(traces)


async def search(product: LocalStack, text: str, tenant: str) -> SearchPage:
    """The best three hits among the tenant's documents."""
    async with product.connect(tenant=tenant) as kg:
        return await kg.search(text, size=3)


def test_search_finds_what_was_indexed(product: LocalStack) -> None:
    """A phrase of a study's eligibility criteria finds that study, with the words highlighted."""
    jobs = product.submit(studies(["NCT05814159", "NCT03236753"]), tenant="search")
    product.wait_for_ends(jobs)
    page = asyncio.run(search(product, "anakinra Still's disease", "search"))

    assert "ctgov:NCT05814159" == page.hits[0].chunk.document_id
    assert "<em>" in " ".join(page.hits[0].snippets)


def test_list_becomes_one_job_per_study(product: LocalStack, nct_ids: list[str]) -> None:
    """A batch by ids ends completed, and so does one job for each id, whose id follows from batch and item."""
    batch = product.submit(JobRequest(source="ctgov", ids=nct_ids[:20]), tenant="batches")
    wanted = [batch_item_id(batch, f"ctgov:{nct_id}") for nct_id in nct_ids[:20]]
    ends = product.wait_for_ends([batch, *wanted])

    assert {Kind.JOB_COMPLETED} == set(ends.values())
    assert 21 == len(ends)


def test_query_becomes_one_job_per_study(product: LocalStack) -> None:
    """A batch by query follows the source's pages up to its limit."""
    request = JobRequest(source="ctgov", query={"query.cond": "cancer"}, limit=5)
    with product.watch() as watch:
        batch = product.submit(request, tenant="batches")
        watch.until(lambda events: 6 == sum(kind_of(event) is Kind.JOB_COMPLETED for event in events))
    parents = {event.extensions["correlationid"] for event in watch.events if kind_of(event) is Kind.JOB_COMPLETED}

    assert {batch} == parents


def test_same_request_twice_is_one_job(product: LocalStack, nct_ids: list[str]) -> None:
    """The second request with a job's id changes nothing and is said to be a duplicate."""
    (request,) = studies(nct_ids[:1])
    job = product.submit(request)
    product.wait_for_end(job)
    product.submit(request, job=job)
    ignored = product.wait_for_event(Kind.EVENT_IGNORED, job)

    assert b'"reason":"duplicate"' in (ignored.data or b"")
    assert 1 == sum(kind_of(event) is Kind.JOB_ACCEPTED for event in product.events(job))


def test_until_runs_that_stage_and_what_it_needs(product: LocalStack, nct_ids: list[str]) -> None:
    """A job with ``until: parse`` is completed after parse; nothing later is asked for.

    However its id was typed, it is then called as its source writes it.
    """
    job = product.submit(*studies([nct_ids[0].lower()], until="parse"))
    end = product.wait_for_end(job)
    state = states_of(product, [job])[job]

    assert Kind.JOB_COMPLETED is end
    assert ({"ingest", "parse"}, f"ctgov:{nct_ids[0]}") == (set(state.nodes), state.doc_id)


def test_skip_completed_reuses_what_was_made(product: LocalStack, nct_ids: list[str]) -> None:
    """A second job for the same study skips the pure stages, says so in its events, and has the same artifacts."""
    first = product.submit(*studies(nct_ids[1:2]), tenant="skipping")
    product.wait_for_end(first)
    second = product.submit(*studies(nct_ids[1:2], skip_completed=True), tenant="skipping")
    product.wait_for_end(second)
    states = states_of(product, [first, second])
    skipped = {name for name, node in states[second].nodes.items() if node.skipped}
    told = {event.extensions["stage"] for event in product.events(second) if b'"skipped":true' in (event.data or b"")}

    assert set(PIPELINE) - {"index"} == skipped == told
    assert states[first].artifacts["chunks"] == states[second].artifacts["chunks"]


async def test_direct_and_kafka_runs_make_identical_artifacts(
    product: LocalStack, nct_ids: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same job run in one process has the same artifacts, by digest, as over Kafka."""
    requests = studies(nct_ids[:10])
    jobs = await asyncio.to_thread(product.submit, requests, tenant="parity")
    await asyncio.to_thread(product.wait_for_ends, jobs)
    for name, value in product.environment.items():
        monkeypatch.setenv(name, value)
    catalog = Catalog(product.topologies)
    store = ArtifactStore(tmp_path)
    services = installed_stages()
    async with DirectRun(
        services,
        store,
        lambda request: catalog.resolve(request.topology, request.source),
        lambda _: None,
    ) as run:
        events = [
            request_event(request, source="/tests/e2e", tenant="parity", job=job)
            for job, request in zip(jobs, requests, strict=True)
        ]
        direct = await run.run(events)

    def digests(state: JobState) -> dict[str, str]:
        return {name: ref.sha256 for name, ref in state.artifacts.items() if name != "index_receipt"}

    over_kafka = await asyncio.to_thread(states_of, product, jobs)
    assert {JobStatus.COMPLETED} == {state.status for state in direct.values()}
    assert {job: digests(over_kafka[job]) for job in jobs} == {job: digests(direct[job]) for job in jobs}


def test_gate_is_opened_by_an_event_on_its_topic(product: LocalStack, nct_ids: list[str]) -> None:
    """A job waits at its approval gate until somebody speaks on ``approvals.v1``, then goes on."""
    job = product.submit(*studies(nct_ids[:1], topology="clinical-trials-reviewed"))
    product.wait_for_event(Kind.GATE_WAITING, job)
    waiting = states_of(product, [job])[job]
    approve(product, job)

    assert NodeStatus.WAITING is waiting.node("approval").status
    assert Kind.JOB_COMPLETED is product.wait_for_end(job)


def test_in_flight_job_finishes_on_the_topology_it_started_with(product: LocalStack, nct_ids: list[str]) -> None:
    """A topology edited while a job waits is taken by new jobs at once; the waiting job ends on the old one."""
    file = product.topologies / "pipelines" / "clinical-trials-reviewed.yaml"
    original = file.read_text()
    (request,) = studies(nct_ids[:1], topology="clinical-trials-reviewed")
    old = product.submit(request)
    product.wait_for_event(Kind.GATE_WAITING, old)
    try:
        with product.watch() as watch:
            file.write_text(original.replace("deadline: 15m", "deadline: 16m"))
            watch.seen(Kind.TOPOLOGY_LOADED)
        new = product.submit(request)
        product.wait_for_event(Kind.GATE_WAITING, new)
        for job in (old, new):
            approve(product, job)
        ends = product.wait_for_ends([old, new])
    finally:
        file.write_text(original)
    states = states_of(product, [old, new])

    assert {Kind.JOB_COMPLETED} == set(ends.values())
    assert states[old].pipeline_version != states[new].pipeline_version


async def test_other_tenant_sees_nothing(product: LocalStack, nct_ids: list[str]) -> None:
    """One tenant's documents are neither in another tenant's index nor readable from its artifacts."""
    job = await asyncio.to_thread(product.submit, studies(nct_ids[:1])[0], tenant="alpha")
    await asyncio.to_thread(product.wait_for_end, job)
    async with product.connect(tenant="beta") as kg:
        document = (await kg.job(job).artifacts())["document"]

        with pytest.raises(IndexMissing):
            await kg.search("study")

        with pytest.raises(ArtifactMissing):
            await kg.store.get("beta", document)
