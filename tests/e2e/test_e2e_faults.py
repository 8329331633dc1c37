"""Whatever dies, no job is lost and nothing is indexed twice; and what is wrong is said truly."""

from collections import Counter
from uuid import uuid4

import pytest
from medkg_cli.explain import explain
from medkg_cli.rebuild import rebuild
from medkg_contracts import topics
from medkg_contracts.deadletter import original_headers
from medkg_contracts.kinds import Kind, kind_of
from medkg_contracts.requests import JobRequest
from medkg_ledger import JobState, JobStatus, Ledger

from .index import expected_chunks, indexed_chunks
from .spine import Spine, studies

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("victim", ["router", "ingest", "parse", "validate", "chunk", "index"])
async def test_sigkill_loses_nothing_and_indexes_nothing_twice(spine: Spine, nct_ids: list[str], victim: str) -> None:
    """A service killed with SIGKILL in the middle of the work and started again: every job ends completed, once."""
    tenant = f"kill-{victim}"
    async with spine.watch() as watch:
        jobs = await spine.submit(studies(nct_ids[:60]), tenant)
        await watch.until(lambda events: sum(kind_of(event) is Kind.STAGE_COMPLETED for event in events) > 40)
        spine.services.kill(victim, 1)
        spine.start_all()
        ends = await watch.ended(jobs)
    states = await spine.states(jobs)
    found = indexed_chunks(spine, tenant)
    effects = Counter(
        (event.extensions["jobid"], event.extensions["stage"], event.extensions["epoch"], event.id)
        for event in watch.events
        if kind_of(event) is Kind.STAGE_COMPLETED
    )

    assert {Kind.JOB_COMPLETED} == set(ends.values())
    assert len(jobs) == len(ends)
    assert await expected_chunks(spine, states, tenant) == set(found)
    assert len(set(found)) == len(found)
    # A repeated execution has the same event id: for each job, stage and epoch there is one effect.
    assert len(effects) == len({(job, stage, epoch) for job, stage, epoch, _ in effects})


@pytest.mark.parametrize("victim", ["kafka", "redis", "opensearch", "replay"])
async def test_sigkill_of_a_server_loses_nothing(spine: Spine, nct_ids: list[str], victim: str) -> None:
    """A server killed with SIGKILL in the middle of the work and started again: every job ends completed, once."""
    tenant = f"kill-{victim}"
    async with spine.watch() as watch:
        jobs = await spine.submit(studies(nct_ids[:60]), tenant)
        await watch.until(lambda events: sum(kind_of(event) is Kind.STAGE_COMPLETED for event in events) > 20)
        spine.kill_and_restart(victim)
        ends = await watch.ended(jobs, timeout_s=120)
    states = await spine.states(jobs)
    found = indexed_chunks(spine, tenant)

    assert {Kind.JOB_COMPLETED} == set(ends.values())
    assert len(jobs) == len(ends)
    assert await expected_chunks(spine, states, tenant) == set(found)
    assert len(set(found)) == len(found)


async def test_rebuild_from_kafka_reaches_the_same_states(spine: Spine, nct_ids: list[str]) -> None:
    """An emptied ledger, rebuilt from Kafka, has every job in the state that it had."""
    gate = studies(nct_ids[:2], topology="clinical-trials-reviewed")
    bad = {f"bad-{uuid4().hex[:8]}": JobRequest(source="ctgov", id="NCT00000000")}
    unknown = {f"unknown-{uuid4().hex[:8]}": JobRequest(source="nowhere", id="1")}
    async with spine.watch() as watch:
        jobs = await spine.submit({**studies(nct_ids[:30]), **bad, **unknown})
        waiting = await spine.submit(gate)
        await watch.ended(jobs)
        for job in waiting:
            await watch.seen(Kind.GATE_WAITING, job)
    spine.services.stop(["router"])
    before = await everything(spine)

    await rebuild(spine.settings, lambda _: None, wipe=True)
    after = await everything(spine)
    timers = await timers_of(spine)
    spine.start_all()

    assert before == after
    assert {JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.REJECTED, JobStatus.RUNNING} <= {
        state.status for state in after.values()
    }
    assert set(waiting) <= timers


async def test_explain_names_a_dead_consumer(spine: Spine, nct_ids: list[str]) -> None:
    """A job that waits for a stopped service is explained by it; once the service runs the job goes on."""
    spine.services.stop(["chunk"])
    async with spine.watch() as watch:
        (job,) = await spine.submit(studies(nct_ids[:1]))
        await watch.until(lambda events: any(event.extensions.get("stage") == "validate" for event in events))
        await watch.seen(Kind.STAGE_COMPLETED, job)
        await watch.until(
            lambda events: any(
                kind_of(event) is Kind.STAGE_COMPLETED and event.extensions["stage"] == "validate" for event in events
            )
        )
        explanation = await explained(spine, job, "dead_consumer")
        spine.start_all()
        ends = await watch.ended([job])

    assert "chunk" == explanation.stage
    assert (explanation.record or "").startswith("chunk.queue.v1/")
    assert "medkg restart chunk" in explanation.next_action
    assert {job: Kind.JOB_COMPLETED} == ends


async def test_explain_names_an_invalid_topology(spine: Spine) -> None:
    """A job that asks for a broken topology is rejected, and explained by the file, the line and the field."""
    broken = spine.topologies / "pipelines" / "broken.yaml"
    async with spine.watch() as watch:
        broken.write_text(
            'version: "1.0"\nname: broken\nstages:\n  - name: parse\n    type: ParseStage\n    depends_on: [nothing]\n'
        )
        try:
            await watch.seen(Kind.TOPOLOGY_REFUSED)
            (job,) = await spine.submit(studies(["NCT05814159"], topology="broken"))
            ends = await watch.ended([job])
        finally:
            broken.unlink()
    explanation = await explain(job, spine.settings)

    assert {job: Kind.JOB_REJECTED} == ends
    assert "rejected" == explanation.cause
    assert "broken.yaml:6: stages[0].depends_on" in (explanation.last_error or "")


async def test_explain_names_a_poison_record(spine: Spine) -> None:
    """A request that is no JSON is kept byte for byte in the DLQ, and explained by what is wrong with it."""
    job = f"poison-{uuid4().hex[:8]}"
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", b"1"),
        ("ce_source", b"/someone"),
        ("ce_type", Kind.JOB_REQUESTED.type.encode()),
        ("ce_jobid", job.encode()),
        ("content-type", b"application/json"),
    ]
    async with spine.watch() as watch:
        await spine.publish_raw([(topics.REQUESTS, job, b"{not json", headers)])
        await watch.seen(Kind.RECORD_REFUSED, job)
    explanation = await explain(job, spine.settings)
    (letter,) = await spine.records(topics.ROUTER_DLQ, job)

    assert "poison_record" == explanation.cause
    assert "not JSON" in (explanation.last_error or "")
    assert (explanation.record or "").startswith("router.dlq.v1/")
    assert b"{not json" == letter.value
    assert headers == original_headers(letter.headers)


async def explained(spine: Spine, job: str, cause: str):  # type: ignore[no-untyped-def]
    """The explanation, asked again until the router and Kafka have come to rest."""
    for _ in range(40):
        explanation = await explain(job, spine.settings)
        if explanation.cause == cause:
            return explanation
    raise AssertionError(explanation.text())


async def everything(spine: Spine) -> dict[str, JobState]:
    """All states in the ledger."""
    ledger = Ledger.from_url(spine.settings.redis_url)
    states: dict[str, JobState] = {}
    cursor: str | None = None
    while True:
        page = await ledger.jobs({}, limit=500, cursor=cursor)
        states |= {state.job_id: state for state in page.jobs}
        cursor = page.cursor
        if cursor is None:
            await ledger.close()
            return states


async def timers_of(spine: Spine) -> set[str]:
    """The jobs that have a timer."""
    ledger = Ledger.from_url(spine.settings.redis_url)
    due = await ledger.due_timers(1 << 52)
    await ledger.close()
    return {timer.job_id for timer in due}
