"""The router as a process: what operators order."""

import asyncio
import json

import pytest
from medkg_contracts import topics
from medkg_contracts.kinds import Kind
from medkg_contracts.orders import Order, RerunOrder, ScopeOrder
from medkg_ledger import JobStatus

from .world import World

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("router")]


async def test_a_cancelled_job_ends_and_its_late_result_counts_for_nothing(world: World) -> None:
    """Cancelling ends the job at once; what its stage answers later is told of as ignored."""
    names = world.names
    job = await world.request(names.gated)
    await world.until(lambda: world.asked(names.first, job))
    await world.order(Kind.CONTROL_CANCEL, job, Order(by="anna", reason="not wanted"))
    await world.until(lambda: "job.cancelled" in world.story(job))
    await world.answer(job, names.first, "one")
    await world.until(lambda: "event.ignored" in world.story(job))

    state = await world.state(job)
    assert ["job.accepted", "job.cancelled", "event.ignored"] == world.story(job)
    assert {"by": "anna", "reason": "not wanted"} == world.told("job.cancelled", job)[0]["order"]
    assert (JobStatus.CANCELLED, {}) == (state.status, state.artifacts)
    assert {job} == set((await world.ledger.control_state(names.first, [job])).fences)


async def test_a_failed_job_goes_on_where_it_failed(world: World) -> None:
    """A rerun asks for the failed stage alone, as its next epoch, and the job is completed."""
    names = world.names
    job = await world.request(names.gated)
    await world.until(lambda: world.asked(names.first, job))
    await world.answer(job, names.first, "one")
    await world.approve(job)
    await world.until(lambda: world.asked(names.second, job))
    await world.fail(job, names.second)
    await world.until(lambda: "job.failed" in world.story(job))
    await world.order(Kind.CONTROL_RERUN, job, RerunOrder(by="anna"))
    await world.until(lambda: len(world.asked(names.second, job)) == 2)
    await world.answer(job, names.second, "two", epoch=2)
    await world.until(lambda: "job.completed" in world.story(job))

    restarted = world.told("job.restarted", job)[0]
    assert [names.second] == restarted["stages"]
    assert 1 == len(world.asked(names.first, job))
    assert JobStatus.COMPLETED is (await world.state(job)).status


async def test_an_order_that_cannot_be_obeyed_is_answered(world: World) -> None:
    """A rerun from a stage that the topology lacks, and an order about an unknown job, are refused with the reason."""
    names = world.names
    job = await world.request(names.plain)
    await world.until(lambda: world.asked(names.first, job))
    await world.order(Kind.CONTROL_RERUN, job, RerunOrder(stage="nothing"))
    stranger = world.job()
    cause = await world.order(Kind.CONTROL_CANCEL, stranger, Order())
    await world.until(lambda: world.told("control.refused", job) and world.told("control.refused", stranger))

    (refused,) = world.told("control.refused", job)
    (unknown,) = world.told("control.refused", stranger)
    assert "order_refused" == refused["error"]["code"]
    assert "nothing" in refused["error"]["message"]
    assert (cause, "order_refused") == (unknown["event_id"], unknown["error"]["code"])


async def test_another_tenants_order_is_not_obeyed(world: World) -> None:
    """An order that names another tenant than the job's changes nothing."""
    job = await world.request(world.names.plain)
    await world.until(lambda: world.asked(world.names.first, job))
    await world.order(Kind.CONTROL_CANCEL, job, Order(), tenant="somebody-else")
    await world.until(lambda: "event.ignored" in world.story(job))

    assert ["foreign"] == [data["reason"] for data in world.told("event.ignored", job)]
    assert b"somebody-else" == dict(world.on(topics.EVENTS, job)[-1].headers)["ce_tenantid"]
    assert JobStatus.RUNNING is (await world.state(job)).status


@pytest.mark.parametrize("scope", ["job", "stage", "tenant"])
async def test_what_is_paused_is_asked_for_when_it_is_resumed(scope: str, world: World) -> None:
    """While a job, a stage or a tenant is paused no work is asked for; afterwards all of it is."""
    names = world.names
    tenant = f"tenant-{world.job()[2:]}"
    job = await world.request(names.gated, tenant=tenant)
    await world.until(lambda: world.asked(names.first, job))
    name = {"job": job, "stage": names.second, "tenant": tenant}[scope]
    order = ScopeOrder(scope=scope, name=name, by="anna")
    await world.pause(order)
    await world.answer(job, names.first, "one", tenant=tenant)
    await world.until(lambda: "gate.waiting" in world.story(job))
    await world.approve(job, tenantid=tenant)
    await world.until(lambda: "gate.opened" in world.story(job))
    held = await world.ledger.admission(names.second, job, names.second)
    before = len(world.asked(names.second, job))
    await world.resume(order)
    await world.until(lambda: world.asked(names.second, job))
    await world.answer(job, names.second, "two", tenant=tenant)
    await world.until(lambda: "job.completed" in world.story(job))

    assert (True, 0) == (held.held, before)


async def test_a_rejected_job_may_be_asked_for_again(world: World) -> None:
    """A request for a topology that is not there is rejected and kept; sent again once it is there it is accepted."""
    names = world.names
    name = f"later-{names.mark}"
    job = await world.request(name)
    await world.until(lambda: "job.rejected" in world.story(job))
    await world.until(lambda: world.on(topics.ROUTER_DLQ, job))
    await world.request(name, job)
    await world.until(lambda: "event.ignored" in world.story(job))
    await world.request(names.plain, job)
    await world.until(lambda: world.asked(names.first, job) and "job.accepted" in world.story(job))

    (letter,) = world.on(topics.ROUTER_DLQ, job)
    assert name == json.loads(letter.value or b"")["topology"]
    assert ["job.rejected", "record.refused"] == sorted(world.story(job)[:2])
    assert ["event.ignored", "job.accepted"] == world.story(job)[2:]
    assert 1 == (await world.state(job)).run


async def test_items_of_a_cancelled_batch_are_rejected(world: World) -> None:
    """A job request of a batch that was cancelled meanwhile starts nothing."""
    batch = await world.request(world.names.plain)
    await world.until(lambda: world.asked(world.names.first, batch))
    await world.order(Kind.CONTROL_CANCEL, batch, Order())
    await world.until(lambda: "job.cancelled" in world.story(batch))
    item = await world.request(world.names.plain, batch_id=batch)
    await world.until(lambda: "job.rejected" in world.story(item))

    assert "was cancelled" in world.told("job.rejected", item)[0]["error"]["message"]


async def test_items_of_a_batch_that_runs_again_begin(world: World) -> None:
    """Once a cancelled batch was run again, what it asks for begins, and so does what was rejected meanwhile."""
    names = world.names
    batch = await world.request(names.plain)
    await world.until(lambda: world.asked(names.first, batch))
    await world.order(Kind.CONTROL_CANCEL, batch, Order())
    await world.until(lambda: "job.cancelled" in world.story(batch))
    rejected = await world.request(names.plain, batch_id=batch)
    await world.until(lambda: "job.rejected" in world.story(rejected))
    await world.order(Kind.CONTROL_RERUN, batch, RerunOrder())
    await world.until(lambda: "job.restarted" in world.story(batch))
    await world.request(names.plain, rejected, batch_id=batch)
    item = await world.request(names.plain, batch_id=batch)
    await world.until(lambda: world.asked(names.first, rejected) and world.asked(names.first, item))

    assert [JobStatus.RUNNING] * 2 == [(await world.state(job)).status for job in (rejected, item)]


async def test_control_is_not_behind_work(world: World) -> None:
    """An order that comes behind thousands of requests is obeyed before they are all dealt with."""
    names = world.names
    requests = 3000
    tenant = f"crowd-{world.job()[2:]}"
    await asyncio.gather(*(world.request(names.plain, tenant=tenant) for _ in range(requests)))
    order = ScopeOrder(scope="tenant", name=tenant)
    await world.pause(order)

    accepted = sum(data["pipeline"] == names.plain for data in world.told("job.accepted"))
    assert accepted < requests
    await world.resume(order)
