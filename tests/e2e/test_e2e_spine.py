"""Job requests on Kafka become indexed, searchable trials."""

from collections import Counter
from pathlib import Path
from uuid import uuid4

import pytest
from medkg_artifacts import ArtifactStore
from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.errors import ArtifactMissing, IndexMissing
from medkg_contracts.ids import batch_item_id
from medkg_contracts.kinds import Kind, kind_of
from medkg_contracts.requests import JobRequest
from medkg_directrun import DirectRun
from medkg_ledger import JobState, JobStatus, NodeStatus
from medkg_search import ChunkSearch, SearchServer
from medkg_stagekit import installed_stages
from medkg_topology.catalog import Catalog

from tests.shipped import PIPELINE

from .index import expected_chunks, indexed_chunks
from .spine import Spine, request_events, studies

pytestmark = pytest.mark.integration


async def test_every_recorded_study_is_indexed(spine: Spine, nct_ids: list[str]) -> None:
    """Each study ends completed, its chunks are in the index once, and each execution was told exactly once."""
    tenant = "every"
    async with spine.watch() as watch:
        jobs = await spine.submit(studies(nct_ids), tenant)
        ends = await watch.ended(jobs)
    states = await spine.states(jobs)
    found = indexed_chunks(spine, tenant)

    assert Counter({Kind.JOB_COMPLETED: len(nct_ids)}) == Counter(ends.values())
    assert await expected_chunks(spine, states, tenant) == set(found)
    assert len(set(found)) == len(found)
    mine = [event for event in watch.events if event.extensions["jobid"] in set(jobs)]
    told = Counter((kind_of(event), event.extensions.get("stage")) for event in mine)
    for stage in PIPELINE:
        assert len(jobs) == told[Kind.STAGE_STARTED, stage]
        assert len(jobs) == told[Kind.STAGE_COMPLETED, stage]


async def test_events_of_a_job_are_in_causal_order(spine: Spine, nct_ids: list[str]) -> None:
    """Sorting a job's events by their sequence gives the order in which they were read."""
    async with spine.watch() as watch:
        (job,) = await spine.submit(studies(nct_ids[:1]))
        await watch.ended([job])
    sequences = [event.extensions["sequence"] for event in watch.events if event.extensions["jobid"] == job]

    assert sorted(sequences) == sequences
    assert len(set(sequences)) == len(sequences)


async def test_trace_is_continued_across_all_hops(spine: Spine, nct_ids: list[str]) -> None:
    """All events of a job carry one trace id."""
    async with spine.watch() as watch:
        (job,) = await spine.submit(studies(nct_ids[:1]))
        await watch.ended([job])
    traces = {event.extensions["traceparent"][3:35] for event in watch.events if event.extensions["jobid"] == job}

    assert 1 == len(traces)


async def test_search_finds_what_was_indexed(spine: Spine) -> None:
    """A phrase of a study's eligibility criteria finds that study, with the words highlighted."""
    tenant = "search"
    async with spine.watch() as watch:
        jobs = await spine.submit(studies(["NCT05814159", "NCT03236753"]), tenant)
        await watch.ended(jobs)
    server = SearchServer(spine.settings.opensearch_url)
    page = await ChunkSearch(server).search("anakinra Still's disease", tenant, size=3)
    await server.close()

    assert "ctgov:NCT05814159" == page.hits[0].chunk.document_id
    assert "<em>" in " ".join(page.hits[0].snippets)


async def test_list_becomes_one_job_per_study(spine: Spine, nct_ids: list[str]) -> None:
    """A batch by ids ends completed, and so does one job for each id, whose id follows from batch and item."""
    batch = f"batch-{uuid4().hex[:8]}"
    wanted = {batch_item_id(batch, f"ctgov:{nct_id}") for nct_id in nct_ids[:20]}
    async with spine.watch() as watch:
        await spine.submit({batch: JobRequest(source="ctgov", ids=nct_ids[:20])}, "batches")
        ends = await watch.ended({batch, *wanted})

    assert {Kind.JOB_COMPLETED} == set(ends.values())
    assert 21 == len(ends)


async def test_query_becomes_one_job_per_study(spine: Spine) -> None:
    """A batch by query follows the source's pages up to its limit."""
    batch = f"batch-{uuid4().hex[:8]}"
    request = JobRequest(source="ctgov", query={"query.cond": "cancer"}, limit=5)
    async with spine.watch() as watch:
        await spine.submit({batch: request}, "batches")
        await watch.until(lambda events: 6 == sum(kind_of(event) is Kind.JOB_COMPLETED for event in events))
    parents = {event.extensions["correlationid"] for event in watch.events if kind_of(event) is Kind.JOB_COMPLETED}

    assert {batch} == parents


async def test_same_request_twice_is_one_job(spine: Spine, nct_ids: list[str]) -> None:
    """The second request with a job's id changes nothing and is said to be a duplicate."""
    request = studies(nct_ids[:1])
    async with spine.watch() as watch:
        (job,) = await spine.submit(request)
        await watch.ended([job])
        await spine.submit(request)
        ignored = await watch.seen(Kind.EVENT_IGNORED, job)

    assert b'"reason":"duplicate"' in (ignored.data or b"")
    assert 1 == sum(kind_of(event) is Kind.JOB_ACCEPTED for event in watch.events)


async def test_until_runs_that_stage_and_what_it_needs(spine: Spine, nct_ids: list[str]) -> None:
    """A job with ``until: parse`` is completed after parse; nothing later is asked for.

    However its id was typed, it is then called as its source writes it.
    """
    async with spine.watch() as watch:
        (job,) = await spine.submit(studies([nct_ids[0].lower()], until="parse"))
        ends = await watch.ended([job])
    state = (await spine.states([job]))[job]

    assert {job: Kind.JOB_COMPLETED} == ends
    assert ({"ingest", "parse"}, f"ctgov:{nct_ids[0]}") == (set(state.nodes), state.doc_id)


async def test_skip_completed_reuses_what_was_made(spine: Spine, nct_ids: list[str]) -> None:
    """A second job for the same study skips the pure stages, says so in its events, and has the same artifacts."""
    async with spine.watch() as watch:
        (first,) = await spine.submit(studies(nct_ids[1:2]), "skipping")
        await watch.ended([first])
        (second,) = await spine.submit(studies(nct_ids[1:2], skip_completed=True), "skipping")
        await watch.ended([second])
    states = await spine.states([first, second])
    skipped = {name for name, node in states[second].nodes.items() if node.skipped}
    told = {
        event.extensions["stage"]
        for event in watch.events
        if event.extensions["jobid"] == second and b'"skipped":true' in (event.data or b"")
    }

    assert set(PIPELINE) - {"index"} == skipped == told
    assert states[first].artifacts["chunks"] == states[second].artifacts["chunks"]


async def test_direct_and_kafka_runs_make_identical_artifacts(
    spine: Spine, nct_ids: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same job run in one process has the same artifacts, by digest, as over Kafka."""
    requests = studies(nct_ids[:10])
    async with spine.watch() as watch:
        jobs = await spine.submit(requests, "parity")
        await watch.ended(jobs)
    for name, value in spine.environment.items():
        monkeypatch.setenv(name, value)
    catalog = Catalog(spine.topologies)
    store = ArtifactStore(tmp_path)
    services = installed_stages()
    async with DirectRun(
        services,
        store,
        lambda request: catalog.resolve(request.topology, request.source),
        lambda _: None,
    ) as run:
        direct = await run.run(request_events(requests, "parity"))

    def digests(state: JobState) -> dict[str, str]:
        return {name: ref.sha256 for name, ref in state.artifacts.items() if name != "index_receipt"}

    over_kafka = await spine.states(jobs)
    assert {JobStatus.COMPLETED} == {state.status for state in direct.values()}
    assert {job: digests(over_kafka[job]) for job in jobs} == {job: digests(direct[job]) for job in jobs}


async def test_gate_is_opened_by_an_event_on_its_topic(spine: Spine, nct_ids: list[str]) -> None:
    """A job waits at its approval gate until somebody speaks on ``approvals.v1``, then goes on."""
    async with spine.watch() as watch:
        (job,) = await spine.submit(studies(nct_ids[:1], topology="clinical-trials-reviewed"))
        await watch.seen(Kind.GATE_WAITING, job)
        waiting = (await spine.states([job]))[job]
        approval = CloudEvent(
            id=uuid4().hex, source="/reviewer", type="org.example.approved", extensions={"jobid": job}
        )
        await spine.publish([("approvals.v1", approval)])
        ends = await watch.ended([job])

    assert NodeStatus.WAITING is waiting.node("approval").status
    assert {job: Kind.JOB_COMPLETED} == ends


async def test_in_flight_job_finishes_on_the_topology_it_started_with(spine: Spine, nct_ids: list[str]) -> None:
    """A topology edited while a job waits is taken by new jobs at once; the waiting job ends on the old one."""
    file = spine.topologies / "pipelines" / "clinical-trials-reviewed.yaml"
    original = file.read_text()
    async with spine.watch() as watch:
        (old,) = await spine.submit(studies(nct_ids[:1], topology="clinical-trials-reviewed"))
        await watch.seen(Kind.GATE_WAITING, old)
        try:
            file.write_text(original.replace("deadline: 15m", "deadline: 16m"))
            await watch.seen(Kind.TOPOLOGY_LOADED)
            (new,) = await spine.submit(studies(nct_ids[:1], topology="clinical-trials-reviewed"))
            await watch.seen(Kind.GATE_WAITING, new)
            for job in (old, new):
                approval = CloudEvent(
                    id=uuid4().hex, source="/r", type="org.example.approved", extensions={"jobid": job}
                )
                await spine.publish([("approvals.v1", approval)])
            ends = await watch.ended([old, new])
        finally:
            file.write_text(original)
    states = await spine.states([old, new])

    assert {Kind.JOB_COMPLETED} == set(ends.values())
    assert states[old].pipeline_version != states[new].pipeline_version


async def test_other_tenant_sees_nothing(spine: Spine, nct_ids: list[str]) -> None:
    """One tenant's documents are neither in another tenant's index nor readable from its artifacts."""
    async with spine.watch() as watch:
        (job,) = await spine.submit(studies(nct_ids[:1]), "alpha")
        await watch.ended([job])
    document = (await spine.states([job]))[job].artifacts["document"]

    server = SearchServer(spine.settings.opensearch_url)
    with pytest.raises(IndexMissing):
        await ChunkSearch(server).search("study", "beta")
    await server.close()

    with pytest.raises(ArtifactMissing):
        await spine.store.get("beta", document)
