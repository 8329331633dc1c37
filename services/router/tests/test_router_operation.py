"""The router as a process: topologies that change, replicas, and what a crash has left behind."""

import http.client
from datetime import UTC, datetime
from pathlib import Path

import pytest
from medkg_contracts import topics
from medkg_contracts.events import make_event
from medkg_contracts.kinds import Kind
from medkg_ledger import Change
from medkg_routing.outbox import outbox_record, pack
from medkg_stack import Services
from redis.asyncio import Redis

from .world import World, requested

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("router")]


def notices(world: World, kind: str, name: str):
    return [data for data in world.told(kind) if data["pipeline"] == name]


async def test_a_new_file_is_taken_without_a_restart(world: World, folder: Path) -> None:
    """A topology that appears in the folder takes jobs, and the router reads its stages' answers."""
    names = world.names
    name = f"new-{names.mark}"
    names.put(folder, name, names.plain_yaml(name, names.added))
    await world.until(lambda: notices(world, "topology.loaded", name))
    job = await world.request(name)
    await world.until(lambda: world.asked(names.added, job))
    await world.answer(job, names.added, "one")
    await world.until(lambda: "job.completed" in world.story(job))


async def test_a_broken_edit_keeps_the_last_good_version(world: World, folder: Path) -> None:
    """A file that is edited into something wrong is refused by name; new jobs take the version before."""
    names = world.names
    name = f"edited-{names.mark}"
    names.put(folder, name, names.plain_yaml(name, names.first))
    await world.until(lambda: notices(world, "topology.loaded", name))
    (good,) = notices(world, "topology.loaded", name)

    names.put(folder, name, names.plain_yaml(name, names.first).replace("outputs", "ouputs"))
    await world.until(lambda: notices(world, "topology.refused", name))
    (refused,) = notices(world, "topology.refused", name)
    job = await world.request(name)
    await world.until(lambda: "job.accepted" in world.story(job))

    assert (good["digest"], "topology_invalid") == (refused["digest"], refused["error"]["code"])
    assert good["digest"] == (await world.state(job)).pipeline_version


async def test_a_job_finishes_on_the_version_that_it_began_with(world: World, folder: Path) -> None:
    """An edit is for new jobs: one that runs goes on as its own version says."""
    names = world.names
    name = f"moved-{names.mark}"
    names.put(folder, name, names.plain_yaml(name, names.first))
    await world.until(lambda: notices(world, "topology.loaded", name))
    old = await world.request(name)
    await world.until(lambda: world.asked(names.first, old))

    names.put(folder, name, names.plain_yaml(name, names.second))
    await world.until(lambda: len(notices(world, "topology.loaded", name)) == 2)
    new = await world.request(name)
    await world.until(lambda: world.asked(names.second, new))
    await world.answer(old, names.first, "one")
    await world.until(lambda: "job.completed" in world.story(old))

    assert (await world.state(old)).pipeline_version != (await world.state(new)).pipeline_version


async def test_what_a_crash_left_behind_is_sent(world: World) -> None:
    """Records that were committed and never sent are sent by whichever router finds them, and then forgotten."""
    names = world.names
    job = await world.request(names.plain)
    await world.until(lambda: world.asked(names.first, job))
    left = requested(f"{job}-left", topology=names.plain)
    before = (await world.ledger.load([job]))[job]
    entry = pack([outbox_record(topics.REQUESTS, left)])
    assert [True] == (await world.ledger.commit([Change(before, before.state, outbox=entry)])).written
    await world.until(lambda: "job.accepted" in world.story(f"{job}-left"))

    await world.state(job, lambda _: True)
    assert [left.data] == [record.value for record in world.on(topics.REQUESTS, f"{job}-left")]


async def test_two_replicas_share_the_work(world: World, router: Services) -> None:
    """Every job is accepted once whichever replica has it, and one replica takes over all when the other ends."""
    names = world.names
    router.scale("router", 2)
    jobs = [await world.request(names.plain) for _ in range(40)]
    await world.until(lambda: all(world.asked(names.first, job) for job in jobs))
    router.scale("router", 1)
    for job in jobs:
        await world.answer(job, names.first, "one")
    await world.until(lambda: all("job.completed" in world.story(job) for job in jobs))

    assert [["job.accepted", "job.completed"]] * 40 == [world.story(job) for job in jobs]
    assert [1] * 40 == [len(world.asked(names.first, job)) for job in jobs]


async def test_a_router_waits_where_its_ledger_was_emptied(world: World, own_redis_url: str, router: Services) -> None:
    """An answer to a job that an emptied ledger does not know is kept for the rebuilt one, not dropped."""
    names = world.names
    job = await world.request(names.plain)
    await world.until(lambda: world.asked(names.first, job))
    redis = Redis.from_url(own_redis_url)
    keys = ["medkg:name", f"medkg:job:{job}"]
    kept = {key: await redis.dump(key) for key in keys}
    await redis.delete(*keys)
    await world.answer(job, names.first, "one")
    (log,) = [line.log for line in router.status()]
    await world.until(lambda: "somebody has emptied or replaced it" in log.read_text())
    for key, value in kept.items():
        await redis.restore(key, 0, value)
    await redis.aclose()
    await world.until(lambda: "job.completed" in world.story(job))

    assert ["job.accepted", "job.completed"] == world.story(job)


async def test_an_operator_may_ask_for_a_reload(world: World, folder: Path) -> None:
    """A reload that somebody asks for reads the folder, so that a request right behind it finds the new topology."""
    names = world.names
    name = f"asked-{names.mark}"
    names.put(folder, name, names.plain_yaml(name, names.first))
    reload = make_event(
        Kind.CONTROL_RELOAD,
        id=f"reload-{names.mark}",
        source="/test",
        time=datetime.now(UTC),
        data=None,
        job_id=f"reload-{names.mark}",
    )
    await world.send(topics.CONTROL, reload)
    await world.until(lambda: notices(world, "topology.loaded", name))
    job = await world.request(name)
    await world.until(lambda: "job.accepted" in world.story(job))

    assert 1 == len(notices(world, "topology.loaded", name))


def readiness(router: Services) -> tuple[int, str]:
    """What the router's `/readyz` says."""
    (status,) = router.status()
    connection = http.client.HTTPConnection(status.address.removeprefix("http://"), timeout=5)
    connection.request("GET", "/readyz")
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


async def test_a_router_whose_redis_is_full_says_so_and_loses_nothing(
    world: World, router: Services, own_redis_url: str
) -> None:
    """While Redis takes no writes the router is not ready, with the remedy; what was asked meanwhile is done after."""
    async with Redis.from_url(own_redis_url) as redis:
        await redis.config_set("maxmemory", 1)
        try:
            # A test before this one may have left another problem, which the router has not yet seen the end of.
            _, problem = await world.until(
                lambda: (said := readiness(router))[0] == 503 and "Redis is out of memory" in said[1] and said
            )
            job = await world.request(world.names.plain)
        finally:
            await redis.config_set("maxmemory", 0)
    await world.until(lambda: "job.accepted" in world.story(job))
    await world.until(lambda: readiness(router)[0] == 200)

    assert "CONFIG SET maxmemory" in problem
