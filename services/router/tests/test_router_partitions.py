"""The router as two processes, and producers that place their records otherwise than medkg does."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from medkg_bus.clients import partition_of
from medkg_contracts import topics
from medkg_contracts.cloudevents import CloudEvent, to_headers
from medkg_contracts.data import StageResult
from medkg_contracts.deadletter import original_headers
from medkg_contracts.events import make_event
from medkg_contracts.kinds import Kind
from medkg_ledger import JobStatus
from medkg_stack import Services

from .world import PARTITIONS, World, requested

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("replicas")]

#: What another client's record has for a key: none, or one of its own.
KEYS = (None, b"rdk-0", b"\xff\x00")


@pytest.fixture
def replicas(services: Services) -> None:
    """Two routers that share the partitions."""
    services.scale("router", 2)


def home(job_id: str) -> int:
    """The partition where all that is about the job is decided."""
    return partition_of(job_id.encode(), PARTITIONS)


def elsewhere(job_id: str, number: int) -> int:
    """Another partition, which the other replica may have; the job's own for every fourth number."""
    return (home(job_id) + number) % PARTITIONS


async def put(world: World, topic: str, event: CloudEvent, number: int) -> None:
    """Send the event as some other client might: under another key, to another partition."""
    where = elsewhere(event.extensions["jobid"], number)
    await world.put(topic, KEYS[number % len(KEYS)], event.data, to_headers(event), where)


async def test_jobs_run_whatever_partition_and_key_their_events_have(world: World) -> None:
    """Events of one job in different partitions, under other keys or none, are heard once each."""
    names = world.names
    jobs = [world.job() for _ in range(12)]
    for number, job in enumerate(jobs):
        await put(world, topics.REQUESTS, requested(job, topology=names.gated), number)
    await world.until(lambda: all(world.asked(names.first, job) for job in jobs))
    ref = await world.store.put("public", "one", b'"done"')
    for number, job in enumerate(jobs):
        answer = make_event(
            Kind.STAGE_COMPLETED, id=f"{job}-one", source="/outside", time=datetime.now(UTC),
            data=StageResult(artifacts={"one": ref}), job_id=job,
            extensions={"tenantid": "public", "stage": names.first, "epoch": "1"},
        )  # fmt: skip
        await put(world, topics.done(names.first), answer, number + 1)
    await world.until(lambda: all("gate.waiting" in world.story(job) for job in jobs))
    for number, job in enumerate(jobs):
        approval = CloudEvent(id=f"ok-{job}", source="/outside", type="com.example.ok", extensions={"jobid": job})
        await put(world, names.approvals, approval, number + 2)
    await world.until(lambda: all(world.asked(names.second, job) for job in jobs))
    for job in jobs:
        await world.answer(job, names.second, "two")
    await world.until(lambda: all("job.completed" in world.story(job) for job in jobs))

    story = ["job.accepted", "gate.waiting", "gate.opened", "job.completed"]
    assert [story] * len(jobs) == [world.story(job) for job in jobs]
    assert {JobStatus.COMPLETED} == {(await world.state(job)).status for job in jobs}


async def test_a_record_is_moved_as_it_is(world: World) -> None:
    """What stands in another partition is written again in the job's own, key, value and headers as they were."""
    job = world.job()
    event = requested(job, topology=world.names.plain)
    headers = [*to_headers(event), ("x-trace", b"1")]
    await world.put(topics.REQUESTS, b"rdk-0", event.data, headers, elsewhere(job, 1))
    await world.until(lambda: "job.accepted" in world.story(job))
    moved = [record for record in world.on(topics.REQUESTS) if ("ce_jobid", job.encode()) in record.headers]

    assert sorted([elsewhere(job, 1), home(job)]) == sorted(record.partition for record in moved)
    assert 1 == len({(record.key, record.value, tuple(record.headers)) for record in moved})


async def test_a_dead_letter_stands_where_its_job_is(world: World) -> None:
    """A request that breaks the contract is refused under its job, and its letter is in the job's partition."""
    job = world.job()
    event = replace(requested(job, topology=world.names.plain), data=b'{"source": 7}')
    await world.put(topics.REQUESTS, b"rdk-0", event.data, to_headers(event), elsewhere(job, 2))
    await world.until(lambda: world.told("record.refused", job) and world.told("job.rejected", job))
    (letter,) = [each for each in world.on(topics.ROUTER_DLQ) if ("ce_jobid", job.encode()) in each.headers]

    assert (home(job), b"rdk-0", event.data) == (letter.partition, letter.key, letter.value)
    assert to_headers(event) == original_headers(letter.headers)
