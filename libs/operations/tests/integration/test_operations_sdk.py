"""The Python SDK against real servers and a real router, whose one topology's stages are played by the tests."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import medkg
import pytest
from medkg_contracts.errors import (
    InvalidRequest,
    JobIdTaken,
    KafkaUnavailable,
    LedgerUnavailable,
    NotCompleted,
    NotFound,
    OrderRefused,
    Unfinished,
)
from medkg_ledger import Change, JobState, JobStatus, Versioned
from medkg_ledger.store import Ledger

from .operating import Playground, playground

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def place(kafka_bootstrap: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Playground]:
    """A running router whose stages the tests play."""
    with playground(kafka_bootstrap, redis_url, tmp_path_factory.mktemp("sdk")) as place:
        yield place


@pytest.fixture
async def kg(place: Playground) -> AsyncIterator[medkg.Client]:
    """A connection to it."""
    async with medkg.connect(
        kafka=place.kafka, redis=place.redis_url, artifacts=f"file://{place.store.root}", by="ann", source="/test/sdk"
    ) as kg:
        yield kg


async def play(place: Playground, *jobs: medkg.Job) -> None:
    """Both stages of these jobs complete."""
    for job in jobs:
        for stage in (place.first, place.second):
            await asyncio.to_thread(place.complete, stage, job.id)


async def test_a_job_is_waited_for_and_read(kg: medkg.Client, place: Playground) -> None:
    """A job that was asked for is waited for, and its status, artifacts, events and explanation are read."""
    job = await kg.submit("ctgov", "NCT1", topology=place.name)
    state, _ = await asyncio.gather(job.completed(timeout=60), play(place, job))

    kinds = []
    async for event in job.events():
        kinds.append(event.kind)
        if event.kind == "job.completed":
            break
    assert JobStatus.COMPLETED == state.status == (await job.status()).status
    assert b'"done"' == await job.artifact("document")
    assert ["job.accepted", "job.completed"] == [kinds[0], kinds[-1]]
    assert "completed" in (await job.explain()).text()
    with pytest.raises(NotFound, match="no artifact 'vectors'"):
        await job.artifact("vectors")


async def test_a_job_that_ended_before_is_not_waited_for(kg: medkg.Client, place: Playground) -> None:
    """Of a job that has ended nobody tells anything any more: waiting for it ends at once."""
    job = await kg.submit("ctgov", "NCT1", topology=place.name)
    await play(place, job)
    await job.completed(timeout=60)

    assert JobStatus.COMPLETED == (await kg.job(job.id).completed(timeout=60)).status


async def test_a_job_that_fails_says_why_and_is_run_again(kg: medkg.Client, place: Playground) -> None:
    """A failed job raises its error, with the stage and the remedy; run again, it may complete."""
    job = await kg.submit("ctgov", "NCT1", topology=place.name)
    await asyncio.to_thread(place.fail, place.first, job.id)
    with pytest.raises(NotCompleted, match=rf"is failed at {place.first}: \[timeout\] it took too long"):
        await job.completed(timeout=60)
    await job.rerun(reason="once more")
    await asyncio.to_thread(place.complete, place.first, job.id, 2)
    await asyncio.to_thread(place.complete, place.second, job.id)

    assert JobStatus.COMPLETED == (await job.completed(timeout=60)).status
    with pytest.raises(OrderRefused, match="nowhere"):
        await job.rerun("nowhere")


async def test_a_job_is_cancelled_by_name(kg: medkg.Client, place: Playground) -> None:
    """Who cancels a job, by which program and why stands in its events; twice is refused."""
    job = await kg.submit("ctgov", "NCT1", topology=place.name)
    await asyncio.to_thread(place.asked, place.first, job.id)
    await job.cancel("wrong trial")
    with pytest.raises(OrderRefused, match="ended already"):
        await job.cancel()

    cancelled = await anext(event async for event in job.events() if event.kind == "job.cancelled")
    assert {"by": "ann", "reason": "wrong trial"} == cancelled.data["order"]
    assert JobStatus.CANCELLED == (await job.ended(timeout=60)).status


async def test_asking_twice_under_one_id_is_asking_once(kg: medkg.Client, place: Playground) -> None:
    """The same request under the same id is one job; another request under it is refused before it is sent."""
    name = f"mine-{uuid4().hex[:8]}"
    first = await kg.submit("ctgov", "NCT1", job_id=name, topology=place.name)
    await asyncio.to_thread(place.asked, place.first, name)
    again = await kg.submit("ctgov", "NCT1", job_id=name, topology=place.name)

    assert name == first.id == again.id
    with pytest.raises(JobIdTaken):
        await kg.submit("ctgov", "NCT2", job_id=name, topology=place.name)
    with pytest.raises(Unfinished, match="did not end within"):
        await again.completed(timeout=0.1)


async def test_events_go_on_behind_a_position(kg: medkg.Client, place: Playground) -> None:
    """Whoever keeps an event's position goes on right behind it, and misses nothing."""
    job = await kg.submit("ctgov", "NCT1", topology=place.name)
    await play(place, job)
    await job.completed(timeout=60)
    seen = []
    async for event in kg.events(job=job.id, since="beginning"):
        seen.append(event)
        if event.kind == "job.completed":
            break
    rest = []
    async for event in kg.events(job=job.id, since=seen[0].position):
        rest.append(event)
        if event.kind == "job.completed":
            break

    assert [one.cloudevent.id for one in seen[1:]] == [one.cloudevent.id for one in rest]
    with pytest.raises(InvalidRequest, match="since"):
        await anext(kg.events(since="yesterday"))


async def test_a_batch_is_counted_until_it_has_ended(kg: medkg.Client, place: Playground) -> None:
    """A batch's progress ends with its last item; what has not completed makes waiting for it fail."""
    batch = f"b-{uuid4().hex[:8]}"
    own = {"job_id": batch, "tenant_id": "public", "doc_id": "ctgov:batch", "correlation_id": batch}
    items = [
        {"job_id": f"{batch}-{number}", "tenant_id": "public", "doc_id": "ctgov:1", "correlation_id": batch}
        | {"batch_id": batch, "status": status}
        for number, status in enumerate([JobStatus.COMPLETED, JobStatus.FAILED])
    ]
    states = [JobState(created_at=1, updated_at=1, **fields) for fields in (own | {"status": "completed"}, *items)]
    ledger = Ledger.from_url(place.redis_url)
    await ledger.commit([Change(before=Versioned(), after=state) for state in states])
    await ledger.close()
    handle = kg.batch(batch)

    assert [{"completed": 1, "failed": 1}] == [counts.jobs async for counts in handle.progress(timeout=30)]
    assert {f"{batch}-0", f"{batch}-1"} == {job.id async for job in handle.items()}
    with pytest.raises(NotCompleted, match="1 completed, 1 failed"):
        await handle.completed(timeout=30)


async def test_a_server_that_is_not_there_is_named(place: Playground, unused_tcp_port: int) -> None:
    """Connecting fails with the server that is missing, and leaves nothing open."""
    nowhere = f"127.0.0.1:{unused_tcp_port}"
    with pytest.raises(KafkaUnavailable, match=nowhere):
        await medkg.connect(kafka=nowhere, redis=place.redis_url).open()
    with pytest.raises(LedgerUnavailable):
        await medkg.connect(kafka=place.kafka, redis=f"redis://{nowhere}/0").open()
