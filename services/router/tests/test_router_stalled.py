"""The router as a process: it tells of jobs that do not move."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from medkg_stack import Services

from .conftest import environment
from .world import World

pytestmark = pytest.mark.integration


@pytest.fixture
def impatient(services: Services, kafka_bootstrap: str, own_redis_url: str, folder: Path) -> Iterator[None]:
    """A router to which a job is stalled after a second."""
    more = environment(services.root, kafka_bootstrap, own_redis_url, folder) | {"MK_STALLED_S": "1"}
    router = Services(services.root, more, report=lambda _: None)
    router.scale("router", 1)
    yield
    router.scale("router", 0)


@pytest.mark.usefixtures("impatient")
async def test_a_job_that_nobody_works_on_is_told_of_with_the_reason(world: World) -> None:
    """A job whose stage has no consumer is told of as stalled, as `medkg explain` would explain it."""
    job = await world.request(world.names.plain)
    found = await world.until(
        lambda: [data for data in world.told("job.stalled", job) if data["cause"] == "dead_consumer"]
    )

    assert (job, world.names.first) == (found[0]["job_id"], found[0]["stage"])


@pytest.mark.usefixtures("impatient")
async def test_a_job_at_a_gate_is_not_stalled(world: World) -> None:
    """Waiting at a gate is what a job is for: nothing is told of it while others are."""
    names = world.names
    waiting = await world.request(names.gated)
    await world.until(lambda: world.asked(names.first, waiting))
    await world.answer(waiting, names.first, "one")
    await world.until(lambda: "gate.waiting" in world.story(waiting))
    stuck = await world.request(names.plain)
    await world.until(lambda: world.told("job.stalled", stuck))

    assert "job.stalled" not in world.story(waiting)
