"""The router as a process: gates, their deadlines, and restarts in between."""

from dataclasses import replace

import pytest
from medkg_contracts.kinds import Kind
from medkg_contracts.orders import RerunOrder
from medkg_ledger import JobStatus, NodeStatus
from medkg_stack import Services

from .world import World

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("router")]


async def at_the_gate(world: World, topology: str) -> str:
    job = await world.request(topology)
    await world.until(lambda: world.asked(world.names.first, job))
    await world.answer(job, world.names.first, "one")
    await world.until(lambda: "gate.waiting" in world.story(job))
    return job


async def test_an_event_that_comes_early_is_kept_for_the_gate(world: World) -> None:
    """An event that comes before its gate is reached opens it when it is, and the lifecycle says that it was early."""
    names = world.names
    job = await world.request(names.gated)
    await world.until(lambda: world.asked(names.first, job))
    await world.approve(job)
    await world.state(job, lambda state: state.node("approval").early is not None)
    await world.answer(job, names.first, "one")
    await world.until(lambda: world.asked(names.second, job) and world.told("gate.opened", job))

    assert ["job.accepted", "gate.opened"] == world.story(job)
    assert [True] == [data["early"] for data in world.told("gate.opened", job)]


async def test_an_event_twice_opens_a_gate_once(world: World) -> None:
    """A gate's event that comes again changes nothing, and the lifecycle says so."""
    job = await at_the_gate(world, world.names.gated)
    await world.approve(job)
    await world.approve(job)
    await world.until(lambda: world.told("event.ignored", job) and world.asked(world.names.second, job))

    assert ["duplicate"] == [data["reason"] for data in world.told("event.ignored", job)]
    assert (1, 1) == (world.story(job).count("gate.opened"), len(world.asked(world.names.second, job)))


async def test_a_gate_that_runs_again_hears_a_new_approval(world: World) -> None:
    """After a rerun the approval of the run before opens nothing, and a new one does."""
    names = world.names
    job = await at_the_gate(world, names.gated)
    approval = await world.approve(job)
    await world.until(lambda: world.told("gate.opened", job))
    await world.order(Kind.CONTROL_RERUN, job, RerunOrder(stage=names.first))
    await world.until(lambda: len(world.asked(names.first, job)) == 2)
    await world.answer(job, names.first, "one", epoch=2)
    await world.until(lambda: len(world.told("gate.waiting", job)) == 2)
    await world.send(names.approvals, approval)
    await world.until(lambda: world.told("event.ignored", job))
    await world.send(names.approvals, replace(approval, source="/somebody/else"))
    await world.until(lambda: len(world.told("gate.opened", job)) == 2)

    assert ["duplicate"] == [data["reason"] for data in world.told("event.ignored", job)]


async def test_an_event_that_never_comes_lets_the_job_go_on(world: World) -> None:
    """A gate whose deadline passes is told as expired; where the topology says so the job goes on without it."""
    job = await at_the_gate(world, world.names.brief)
    await world.until(lambda: world.asked(world.names.second, job) and world.told("gate.expired", job))

    assert ["job.accepted", "gate.waiting", "gate.expired"] == world.story(job)
    assert job not in await world.timed()


async def test_an_event_that_comes_late_is_told(world: World) -> None:
    """An event that comes after its gate has expired changes nothing, and the lifecycle says that it was late."""
    job = await at_the_gate(world, world.names.brief)
    await world.until(lambda: "gate.expired" in world.story(job))
    late = await world.approve(job)
    await world.until(lambda: world.told("event.ignored", job))

    (data,) = world.told("event.ignored", job)
    assert ("late", late.id, world.names.approvals) == (data["reason"], data["event_id"], data["topic"])


async def test_an_event_that_never_comes_fails_the_job(world: World) -> None:
    """Where the topology says so, a gate whose deadline passes fails the job by name."""
    job = await at_the_gate(world, world.names.failing)
    await world.until(lambda: "job.failed" in world.story(job))

    state = await world.state(job)
    assert (JobStatus.FAILED, "approval", "gate_expired") == (state.status, state.failed_stage, state.error.code)
    assert NodeStatus.FAILED is state.node("approval").status


async def test_a_foreign_event_is_told(world: World) -> None:
    """An event for a job that nobody knows, or of another tenant, changes nothing, and the lifecycle says so."""
    stranger = world.job()
    await world.approve(stranger)
    job = await at_the_gate(world, world.names.gated)
    await world.approve(job, tenantid="somebody-else")
    await world.until(lambda: world.told("event.ignored", stranger) and world.told("event.ignored", job))

    assert ["foreign"] * 2 == [world.told("event.ignored", each)[0]["reason"] for each in (stranger, job)]
    assert None is await world.ledger.get(stranger)
    assert NodeStatus.WAITING is (await world.state(job)).node("approval").status


async def test_a_deadline_is_kept_over_a_restart(world: World, router: Services) -> None:
    """A gate that expires while no router runs expires when one does."""
    job = await at_the_gate(world, world.names.calm)
    router.stop(["router"])
    assert job in await world.timed()
    router.start(["router"])
    await world.until(lambda: world.asked(world.names.second, job) and world.told("gate.expired", job))

    assert ["gate.expired"] == [kind for kind in world.story(job) if kind.startswith("gate.")][1:]
