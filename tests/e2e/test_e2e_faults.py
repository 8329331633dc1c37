"""Whatever dies, no job is lost and nothing is indexed twice."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from medkg_bus.cluster import Cluster
from medkg_contracts import topics
from medkg_contracts.errors import ConfigurationError
from medkg_contracts.kinds import Kind, kind_of
from medkg_contracts.requests import JobRequest
from medkg_ledger import JobStatus
from medkg_ledger.store import Ledger
from medkg_operations.rebuild.rebuild import rebuild
from medkg_testing import LocalStack

from tests.shipped import PIPELINE, STAGE_SERVICES
from tests.studies import all_states, expected_chunks, indexed_chunks, states_of, studies

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("victim", ["router", *PIPELINE])
def test_sigkill_loses_nothing_and_indexes_nothing_twice(product: LocalStack, nct_ids: list[str], victim: str) -> None:
    """A service killed with SIGKILL in the middle of the work and started again: every job ends completed, once."""
    tenant = f"kill-{victim}"
    with product.watch() as watch:
        jobs = product.submit(studies(nct_ids[:60]), tenant=tenant)
        watch.until(lambda events: sum(kind_of(event) is Kind.STAGE_COMPLETED for event in events) > 40)
        product.kill(victim)
        product.start()
        ends = watch.ended(jobs)
    states = states_of(product, jobs)
    found = indexed_chunks(product, tenant)
    effects = Counter(
        (event.extensions["jobid"], event.extensions["stage"], event.extensions["epoch"], event.id)
        for event in watch.events
        if kind_of(event) is Kind.STAGE_COMPLETED
    )

    assert {Kind.JOB_COMPLETED} == set(ends.values())
    assert len(jobs) == len(ends)
    assert expected_chunks(product, states, tenant) == set(found)
    assert len(set(found)) == len(found)
    # A repeated execution has the same event id: for each job, stage and epoch there is one effect.
    assert len(effects) == len({(job, stage, epoch) for job, stage, epoch, _ in effects})


@pytest.mark.parametrize("victim", ["kafka", "redis", "opensearch", "replay"])
def test_sigkill_of_a_server_loses_nothing(product: LocalStack, nct_ids: list[str], victim: str) -> None:
    """A server killed with SIGKILL in the middle of the work and started again: every job ends completed, once."""
    tenant = f"kill-{victim}"
    with product.watch() as watch:
        jobs = product.submit(studies(nct_ids[:60]), tenant=tenant)
        watch.until(lambda events: sum(kind_of(event) is Kind.STAGE_COMPLETED for event in events) > 20)
        product.kill(victim)
        product.start(victim)
        ends = watch.ended(jobs, timeout=120)
    states = states_of(product, jobs)
    found = indexed_chunks(product, tenant)

    assert {Kind.JOB_COMPLETED} == set(ends.values())
    assert len(jobs) == len(ends)
    assert expected_chunks(product, states, tenant) == set(found)
    assert len(set(found)) == len(found)


def test_rebuild_from_kafka_reaches_the_same_states(product: LocalStack, nct_ids: list[str]) -> None:
    """An emptied ledger, rebuilt from Kafka, has every job in the state that it had."""
    bad, unknown = JobRequest(source="ctgov", id="NCT00000000"), JobRequest(source="nowhere", id="1")
    jobs = product.submit([*studies(nct_ids[:30]), bad, unknown])
    waiting = product.submit(studies(nct_ids[:2], topology="clinical-trials-reviewed"))
    product.wait_for_ends(jobs)
    for job in waiting:
        product.wait_for_event(Kind.GATE_WAITING, job)
    product.stop(*STAGE_SERVICES)
    try:
        asyncio.run(settled(product))
        product.stop("router")
        before = all_states(product)

        asyncio.run(rebuild(product.settings, lambda _: None, wipe=True))
        after = all_states(product)
        timers = asyncio.run(timers_of(product))
    finally:
        product.start()

    assert {} == {job: (state, after.get(job)) for job, state in before.items() if state != after.get(job)}
    assert before.keys() == after.keys()
    assert {JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.REJECTED, JobStatus.RUNNING} <= {
        state.status for state in after.values()
    }
    assert set(waiting) <= timers


def test_rebuild_beside_another_artifact_store_wipes_nothing(
    product: LocalStack, nct_ids: list[str], tmp_path: Path
) -> None:
    """Whoever does not see the services' artifact store is refused, told what to do, and the ledger is as it was."""
    product.wait_for_ends(product.submit(studies(nct_ids[:1])))
    elsewhere = product.settings.model_copy(update={"artifacts_url": tmp_path.as_uri()})
    product.stop("router")
    try:
        before = all_states(product)
        with pytest.raises(ConfigurationError, match="the ledger, which is as it was") as refused:
            asyncio.run(rebuild(elsewhere, lambda _: None, wipe=True))
        after = all_states(product)
    finally:
        product.start()

    assert "MK_ARTIFACTS_URL" in str(refused.value.info.remedy)
    assert before
    assert before == after


async def settled(product: LocalStack) -> None:
    """Wait until the router is done with all that the services, which have ended, had to say."""
    heard = [topics.REQUESTS, topics.CONTROL, *map(topics.done, PIPELINE)]
    async with asyncio.timeout(60), Cluster(product.kafka) as cluster:
        ends = await cluster.ends(await cluster.partitions(*heard))
        while await _behind(cluster, ends):
            pass


async def _behind(cluster: Cluster, ends: Mapping[TopicPartition, int]) -> bool:
    committed = await cluster.committed(topics.ROUTER_GROUP)
    return any(committed.get(place, 0) < end for place, end in ends.items())


async def timers_of(product: LocalStack) -> set[str]:
    """The jobs that have a timer."""
    ledger = Ledger.from_url(product.redis_url)
    due = await ledger.due_timers(1 << 52)
    await ledger.close()
    return {timer.job_id for timer in due}
