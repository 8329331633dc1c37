"""Whatever dies, no job is lost and nothing is indexed twice."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka import TopicPartition
from medkg_bus.cluster import Cluster
from medkg_contracts import topics
from medkg_contracts.errors import ConfigurationError
from medkg_contracts.kinds import Kind, kind_of
from medkg_contracts.requests import JobRequest
from medkg_ledger import JobState, JobStatus
from medkg_ledger.store import Ledger
from medkg_operations.rebuild.rebuild import rebuild

from tests.shipped import PIPELINE, STAGE_SERVICES

from .index import expected_chunks, indexed_chunks
from .spine import Spine, studies

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("victim", ["router", *STAGE_SERVICES])
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
    spine.services.stop(STAGE_SERVICES)
    try:
        await settled(spine)
        spine.services.stop(["router"])
        before = await everything(spine)

        await rebuild(spine.settings, lambda _: None, wipe=True)
        after = await everything(spine)
        timers = await timers_of(spine)
    finally:
        spine.start_all()

    assert {} == {job: (state, after.get(job)) for job, state in before.items() if state != after.get(job)}
    assert before.keys() == after.keys()
    assert {JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.REJECTED, JobStatus.RUNNING} <= {
        state.status for state in after.values()
    }
    assert set(waiting) <= timers


async def test_rebuild_beside_another_artifact_store_wipes_nothing(
    spine: Spine, nct_ids: list[str], tmp_path: Path
) -> None:
    """Whoever does not see the services' artifact store is refused, told what to do, and the ledger is as it was."""
    async with spine.watch() as watch:
        await watch.ended(await spine.submit(studies(nct_ids[:1])))
    elsewhere = spine.settings.model_copy(update={"artifacts_url": tmp_path.as_uri()})
    spine.services.stop(["router"])
    try:
        before = await everything(spine)
        with pytest.raises(ConfigurationError, match="the ledger, which is as it was") as refused:
            await rebuild(elsewhere, lambda _: None, wipe=True)
        after = await everything(spine)
    finally:
        spine.start_all()

    assert "MK_ARTIFACTS_URL" in str(refused.value.info.remedy)
    assert before
    assert before == after


async def settled(spine: Spine) -> None:
    """Wait until the router is done with all that the services, which have ended, had to say."""
    heard = [topics.REQUESTS, topics.CONTROL, *map(topics.done, PIPELINE)]
    async with asyncio.timeout(60), Cluster(spine.settings.kafka) as cluster:
        ends = await cluster.ends(await cluster.partitions(*heard))
        while await _behind(cluster, ends):
            pass


async def _behind(cluster: Cluster, ends: Mapping[TopicPartition, int]) -> bool:
    committed = await cluster.committed(topics.ROUTER_GROUP)
    return any(committed.get(place, 0) < end for place, end in ends.items())


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
