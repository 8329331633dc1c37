"""A fault is injected into the running product, and explain names it; once it is mended the job goes on."""

import asyncio
import os
import sys
from uuid import uuid4

import pytest
from medkg_contracts import topics
from medkg_contracts.deadletter import original_headers
from medkg_contracts.kinds import Kind
from medkg_contracts.orders import Order, RerunOrder, ScopeOrder
from medkg_contracts.records import Place
from medkg_explain import explain

from .inject import approve, explained, in_one_partition, ingesting, order, paused, reached, skip
from .spine import Spine, studies

pytestmark = pytest.mark.integration

REVIEWED = "clinical-trials-reviewed"
#: Fails at once and for good while the source is away, and is then left alone for a while.
FRAGILE = "{timeout: 5s, attempts: 1, backoff: none, breaker: {failures: 1, reset: 8s}}"
#: The second try is too far away to be waited for in place.
PATIENT = "{timeout: 5s, attempts: 3, backoff: linear, initial: 45s, max: 45s, jitter: 0s}"
#: The next only when the one before has ended.
ONE_BY_ONE = "{timeout: 60s, attempts: 3, backoff: linear, initial: 1s, max: 1s, concurrency: 1}"
#: One every four seconds.
SLOW = "{timeout: 5s, attempts: 1, backoff: none, rate: 15/m}"

#: The service chunk, as if its stage were made for a GPU.
ACCELERATED = (
    "from dataclasses import replace; from medkg_chunk.app import service; replace(service, accelerated=True).run()"
)


async def test_a_dead_consumer(spine: Spine, nct_ids: list[str]) -> None:
    """A job that waits for a stopped service is explained by it; once the service runs the job goes on."""
    spine.services.stop(["chunk"])
    async with spine.watch() as watch:
        (job,) = await spine.submit(studies(nct_ids[:1]))
        await reached(watch, Kind.STAGE_COMPLETED, job, "validate")
        found = await explained(spine, job, "dead_consumer")
        spine.start_all()
        ends = await watch.ended([job])

    assert "chunk" == found.stage
    assert (found.record or "").startswith("chunk.queue.v1/")
    assert "medkg restart chunk" in found.next_action
    assert {job: Kind.JOB_COMPLETED} == ends


async def test_a_dead_router(spine: Spine, nct_ids: list[str]) -> None:
    """A request that no router reads is explained by the router that does not run."""
    spine.services.stop(["router"])
    async with spine.watch() as watch:
        (job,) = await spine.submit(studies(nct_ids[:1]))
        found = await explained(spine, job, "router_dead")
        spine.start_all()
        ends = await watch.ended([job])

    assert ("requested", "a running router") == (found.status, found.waiting_on)
    assert {job: Kind.JOB_COMPLETED} == ends


async def test_a_lagging_consumer(spine: Spine, nct_ids: list[str]) -> None:
    """Behind a consumer that is there and slow, a job is explained by the records that stand before it."""
    ids = await in_one_partition(spine, nct_ids)
    async with spine.watch() as watch, ingesting(spine, watch, ONE_BY_ONE) as topology:
        jobs = {job: request.model_copy(update={"topology": topology}) for job, request in ids.items()}
        spine.services.suspend("replay")
        try:
            await spine.submit(jobs)
            found = await explained(spine, list(jobs)[-1], "lagging_consumer")
        finally:
            spine.services.resume("replay")
        ends = await watch.ended(jobs)

    assert ("lagging_consumer", "ingest") == (found.cause, found.stage)
    assert f"{len(jobs) - 1} records stand before it on ingest.queue.v1" in found.summary
    assert "`medkg up --scale ingest=2`" in found.next_action
    assert {Kind.JOB_COMPLETED} == set(ends.values())


async def test_an_open_breaker(spine: Spine, nct_ids: list[str]) -> None:
    """While the source is away its breaker is open: the next job is explained by it, and passes when it is back."""
    spine.services.stop(["replay"])
    async with spine.watch() as watch, ingesting(spine, watch, FRAGILE) as topology:
        (first,) = await spine.submit(studies(nct_ids[:1], topology=topology))
        await watch.ended([first])
        (second,) = await spine.submit(studies(nct_ids[1:2], topology=topology))
        found = await explained(spine, second, "open_breaker")
        failed = await explain(first, spine.settings)
        spine.start_all()
        ends = await watch.ended([first, second])

    assert f"the breaker of ingest (policy {topology}) is open" in found.summary
    assert "[source_unavailable]" in (found.last_error or "")
    assert ("failed", True) == (failed.cause, f"`medkg job rerun {first}`" in failed.next_action)
    assert {first: Kind.JOB_FAILED, second: Kind.JOB_COMPLETED} == ends


async def test_an_exhausted_rate_limit(spine: Spine, nct_ids: list[str]) -> None:
    """A job whose policy's rate is used up is explained by it, with the seconds until its slot."""
    async with spine.watch() as watch, ingesting(spine, watch, SLOW) as topology:
        for _ in range(5):  # the last job waits for 8 s; a busy machine may not get round to asking meanwhile
            jobs = await spine.submit(studies(nct_ids[:3], topology=topology))
            found = await explained(spine, jobs[-1], "rate_limited", "completed")
            if found.cause == "rate_limited":
                break
        ends = await watch.ended(jobs)

    assert f"the rate limit of 0.25 a second (policy {topology}) is used up; the next slot is in" in found.summary
    assert {Kind.JOB_COMPLETED} == set(ends.values())


async def test_waiting_for_credit(spine: Spine, nct_ids: list[str]) -> None:
    """Where a slow stage's window is full, a job is explained by the requests that go before it."""
    window = "window: 256\nwindows: {ingest: 1}\n"
    async with spine.watch() as watch, ingesting(spine, watch, SLOW, window) as topology:
        jobs = await spine.submit(studies(nct_ids[:3], topology=topology))
        for job in jobs:
            await watch.seen(Kind.JOB_ACCEPTED, job)
        found = await asyncio.gather(*(explain(job, spine.settings) for job in jobs))
        ends = await watch.ended(jobs)

    (waiting, *_) = [each for each in found if each.cause == "waiting_for_credit"]
    assert "ingest has 1 requests of a window of 1" in waiting.summary
    assert "`medkg up --scale ingest=2`" in waiting.next_action
    assert {Kind.JOB_COMPLETED} == set(ends.values())


async def test_a_timer_that_is_not_due(spine: Spine, nct_ids: list[str]) -> None:
    """A stage whose next try is far away is explained by its timer and by the error of the last try."""
    spine.services.stop(["replay"])
    async with spine.watch() as watch, ingesting(spine, watch, PATIENT) as topology:
        (job,) = await spine.submit(studies(nct_ids[:1], topology=topology))
        found = await explained(spine, job, "timer_not_due")
        spine.start_all()
        await order(spine, Kind.CONTROL_CANCEL, job, Order(by="alice", reason="enough seen"))
        ends = await watch.ended([job])
    ended = await explain(job, spine.settings)

    assert "try 1 of 3 of ingest failed; the next one is due in" in found.summary
    assert "[source_unavailable]" in (found.last_error or "")
    assert {job: Kind.JOB_CANCELLED} == ends
    assert ("cancelled", "alice cancelled it: enough seen") == (ended.cause, ended.summary)


@pytest.mark.parametrize(
    ("scope", "cause", "command"),
    [
        (ScopeOrder(scope="tenant", name="explained"), "tenant_paused", "medkg resume --tenant explained"),
        (ScopeOrder(scope="stage", name="parse"), "stage_paused", "medkg resume --stage parse"),
        (ScopeOrder(scope="stage", name="parse", drain=True), "stage_paused", "medkg resume --stage parse"),
    ],
    ids=["tenant", "stage", "drain"],
)
async def test_a_pause(spine: Spine, nct_ids: list[str], scope: ScopeOrder, cause: str, command: str) -> None:
    """A job that a tenant's or a stage's pause holds is explained by it, with the command that ends it."""
    async with spine.watch() as watch:
        async with paused(spine, watch, scope):
            (job,) = await spine.submit(studies(nct_ids[:1]), "explained")
            found = await explained(spine, job, cause)
        ends = await watch.ended([job])

    assert f"`{command}`" in found.next_action
    assert {job: Kind.JOB_COMPLETED} == ends


async def test_a_paused_job(spine: Spine, nct_ids: list[str]) -> None:
    """A job that is paused at a gate is held behind it, and explained by its own pause."""
    async with spine.watch() as watch:
        (job,) = await spine.submit(studies(nct_ids[:1], topology=REVIEWED))
        await watch.seen(Kind.GATE_WAITING, job)
        pause = ScopeOrder(scope="job", name=job)
        await order(spine, Kind.CONTROL_PAUSE, job, pause)
        await watch.seen(Kind.JOB_PAUSED, job)
        await approve(spine, job)
        found = await explained(spine, job, "job_paused")
        await order(spine, Kind.CONTROL_RESUME, job, pause)
        ends = await watch.ended([job])

    assert ("index", True) == (found.stage, f"`medkg resume --job {job}`" in found.next_action)
    assert {job: Kind.JOB_COMPLETED} == ends


async def test_a_closed_gate(spine: Spine, nct_ids: list[str]) -> None:
    """A job at a gate is explained by the event that it waits for, and the join by the gate."""
    async with spine.watch() as watch:
        (job,) = await spine.submit(studies(nct_ids[:1], topology=REVIEWED))
        await watch.seen(Kind.GATE_WAITING, job)
        await reached(watch, Kind.STAGE_COMPLETED, job, "chunk")
        found = await explained(spine, job, "gate_closed")
        await approve(spine, job)
        ends = await watch.ended([job])

    assert "approval" == found.stage
    assert f"an event on approvals.v1 with jobid={job}" in (found.waiting_on or "")
    assert "the join index waits for its branch approval" in (found.waiting_on or "")
    assert {job: Kind.JOB_COMPLETED} == ends


async def test_a_missing_branch_of_a_join(spine: Spine, nct_ids: list[str]) -> None:
    """A branch whose request was lost is named by the join that waits for it, and comes when it is run again."""
    spine.services.stop(["validate"])
    async with spine.watch() as watch:
        (job,) = await spine.submit(studies(nct_ids[:1], topology=REVIEWED))
        await reached(watch, Kind.STAGE_COMPLETED, job, "chunk")
        lost = Place.parse((await explained(spine, job, "dead_consumer")).record or "")
        await skip(spine, topics.group("validate"), lost)
        spine.start_all()
        found = await explained(spine, job, "join_waits")
        await order(spine, Kind.CONTROL_RERUN, job, RerunOrder(stage="validate"))
        await watch.seen(Kind.GATE_WAITING, job)
        await approve(spine, job)
        ends = await watch.ended([job])

    assert ("validate", str(lost)) == (found.stage, found.record)
    assert "the join index waits for its branch approval (chunk has arrived)" in found.summary
    assert f"`medkg job rerun {job} --from validate`" in found.next_action
    assert {job: Kind.JOB_COMPLETED} == ends


async def test_no_gpu(spine: Spine, nct_ids: list[str]) -> None:
    """A stage that refuses to start without a GPU is explained by that, and not as a consumer that died."""
    spine.services.stop(["chunk"])
    environment = {**os.environ, **spine.environment, "MK_ACCELERATOR": "cuda", "CUDA_VISIBLE_DEVICES": ""}
    refused = await asyncio.create_subprocess_exec(sys.executable, "-c", ACCELERATED, env=environment)
    code = await refused.wait()
    async with spine.watch() as watch:
        (job,) = await spine.submit(studies(nct_ids[:1]))
        found = await explained(spine, job, "no_gpu")
        spine.start_all()
        ends = await watch.ended([job])

    assert 1 == code
    assert "chunk" == found.stage
    assert "[gpu_unavailable]" in (found.last_error or "")
    assert {job: Kind.JOB_COMPLETED} == ends


async def test_an_invalid_topology(spine: Spine) -> None:
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
    found = await explain(job, spine.settings)

    assert {job: Kind.JOB_REJECTED} == ends
    assert "rejected" == found.cause
    assert "broken.yaml:6: stages[0].depends_on" in (found.last_error or "")


async def test_a_poison_record(spine: Spine) -> None:
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
    found = await explained(spine, job, "poison_record")
    (letter,) = await spine.records(topics.ROUTER_DLQ, job)

    assert "not JSON" in (found.last_error or "")
    assert str(letter.place) == found.record
    assert f"`medkg dlq show {letter.place}`" in found.next_action
    assert b"{not json" == letter.value
    assert headers == original_headers(letter.headers)
