"""The router as a process: a new version is tried on some of the jobs, and taken back when it is worse."""

from pathlib import Path

import pytest
from medkg_ledger.store import Ledger

from .world import World

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("router")]

#: Enough for twenty jobs of a version that every second one takes, whatever their ids.
JOBS = 80


async def loaded(world: World, name: str, times: int) -> str:
    """The digest of the version that was loaded last, once so many have been."""

    def found():
        return [data for data in world.told("topology.loaded") if data["pipeline"] == name]

    await world.until(lambda: len(found()) >= times)
    digest: str = found()[-1]["digest"]
    return digest


async def versions(world: World, jobs: list[str], ledger: Ledger) -> dict[str, str]:
    """The version that each job is on."""
    await world.until(lambda: all("job.accepted" in world.story(job) for job in jobs))
    states = await ledger.load(jobs)
    return {job: state.state.pipeline_version for job, state in states.items()}


async def test_a_bad_version_is_taken_back(world: World, folder: Path) -> None:
    """Of new jobs a part takes the new version; when these fail, it is told of and new jobs take the old one again."""
    names = world.names
    name = f"canary-{names.mark}"
    names.put(folder, name, names.plain_yaml(name, names.first))
    old = await loaded(world, name, 1)
    names.put(folder, name, f"rollout: {{percent: 50}}\n{names.plain_yaml(name, names.second)}")
    new = await loaded(world, name, 2)

    on = await versions(world, [await world.request(name) for _ in range(JOBS)], world.ledger)
    for job, version in on.items():
        if version == new:
            await world.until(lambda job=job: world.asked(names.second, job))
            await world.fail(job, names.second)
        else:
            await world.until(lambda job=job: world.asked(names.first, job))
            await world.answer(job, names.first, "one")
    await world.until(lambda: [data for data in world.told("rollout.reverted") if data["pipeline"] == name])
    after = await versions(world, [await world.request(name) for _ in range(20)], world.ledger)

    (reverted,) = [data for data in world.told("rollout.reverted") if data["pipeline"] == name]
    assert {old, new} == set(on.values())
    assert {old} == set(after.values())
    assert (new, old) == (reverted["new"]["digest"], reverted["old"]["digest"])
    assert "jobs failed (100.0%)" in reverted["reason"]


async def test_a_first_version_is_taken_by_all(world: World, folder: Path) -> None:
    """A first version has nothing to fall back to: all jobs take it, whatever its rollout says."""
    names = world.names
    name = f"first-canary-{names.mark}"
    names.put(folder, name, f"rollout: {{percent: 1}}\n{names.plain_yaml(name, names.first)}")
    only = await loaded(world, name, 1)

    on = await versions(world, [await world.request(name) for _ in range(10)], world.ledger)

    assert {only} == set(on.values())
