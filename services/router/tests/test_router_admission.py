"""The router as a process: work is let out by credit, fairly between tenants."""

import pytest
from medkg_ledger import Pending

from .world import WINDOW, World

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("router")]


def order(world: World) -> list[str]:
    """The jobs in the order in which the narrow stage was asked for them."""
    records = sorted(world.on(f"{world.names.narrow}.queue.v1"), key=lambda record: (record.timestamp, record.offset))
    return [(record.key or b"").decode() for record in records]


async def finish(world: World, tenants: dict[str, str]) -> None:
    """Play the stage service, which takes one request after the other, until all jobs are completed."""
    done: set[str] = set()
    while len(done) < len(tenants):
        ready = await world.until(lambda: [job for job in order(world) if job in tenants and job not in done])
        await world.answer(ready[0], world.names.narrow, "one", tenant=tenants[ready[0]])
        done.add(ready[0])
    await world.until(lambda: all("job.completed" in world.story(job) for job in tenants))


async def test_no_more_than_a_window_is_let_out(world: World) -> None:
    """Of many jobs as many are asked for as the window allows; the rest is counted as pending."""
    names = world.names
    jobs = {await world.request(names.tight, tenant="one"): "one" for _ in range(20)}
    await world.until(lambda: len(order(world)) == WINDOW and all("job.accepted" in world.story(job) for job in jobs))

    assert Pending(WINDOW, 20 - WINDOW) == (await world.ledger.pending())[names.narrow]
    await finish(world, jobs)
    assert Pending(0, 0) == (await world.ledger.pending())[names.narrow]


async def test_a_busy_tenant_delays_another_by_no_more_than_a_window(world: World) -> None:
    """Behind a tenant's backlog of jobs, another's single job is let out before a window more of the first's."""
    names = world.names
    before = len(order(world))
    busy = {await world.request(names.tight, tenant="busy"): "busy" for _ in range(60)}
    await world.until(lambda: all("job.accepted" in world.story(job) for job in busy))
    quiet = await world.request(names.tight, tenant="quiet")
    await world.until(lambda: "job.accepted" in world.story(quiet) and len(order(world)) >= before + WINDOW)
    at = len(order(world))
    await finish(world, busy | {quiet: "quiet"})

    assert before + WINDOW == at
    assert order(world).index(quiet) - at <= WINDOW


async def test_a_tenants_urgent_jobs_go_first(world: World) -> None:
    """Among a tenant's own waiting jobs those of high priority are let out before the others."""
    names = world.names
    first = [await world.request(names.tight, tenant="own") for _ in range(WINDOW)]
    await world.until(lambda: all("job.accepted" in world.story(job) for job in first))
    low, normal, high = [
        await world.request(names.tight, tenant="own", priority=priority) for priority in ("low", "normal", "high")
    ]
    await world.until(lambda: all("job.accepted" in world.story(job) for job in (low, normal, high)))
    let_out: list[str] = []
    for answered in first[:3]:
        await world.answer(answered, names.narrow, "one", tenant="own")
        (job,) = await world.until(lambda: {low, normal, high} & set(order(world)) - set(let_out))
        let_out.append(job)

    assert [high, normal, low] == let_out
