"""A service that computes, as a process with a real Kafka: long work beside short work, and what is said of it."""

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from time import monotonic
from uuid import uuid4

import orjson
import pytest
from medkg_artifacts import ArtifactStore
from medkg_bus.cluster import Cluster
from medkg_contracts.artifacts import ArtifactRef
from medkg_contracts.policy import Policy
from medkg_stagekit.busy import BusyReports
from medkg_stagekit.worker_process import NICE
from redis.asyncio import Redis

from .processes import Bus, EchoProcess

pytestmark = pytest.mark.integration

SMALL_JOBS = 200
LONG = Policy(timeout_s=600)


@pytest.fixture
async def bus(kafka_bootstrap: str) -> AsyncIterator[Bus]:
    """The topics of a service that no other test has."""
    async with Bus(kafka_bootstrap, f"reckon-{uuid4().hex[:8]}") as bus:
        yield bus


@pytest.fixture
async def service(kafka_bootstrap: str, redis_url: str, bus: Bus, tmp_path: Path) -> AsyncIterator[EchoProcess]:
    """A replica that is ready."""
    app = Path(__file__).parent / "reckon_service.py"
    replica = EchoProcess(bus.name, tmp_path, kafka_bootstrap, app=app, MK_REDIS_URL=redis_url)
    try:
        yield await replica.ready()
    finally:
        replica.end()


def answers(bus: Bus, since: int = 0) -> Iterator[tuple[str, dict]]:
    """The jobs that were answered, with the answers' data."""
    for record in bus.records[since:]:
        if record.topic == bus.done:
            yield (record.key or b"").decode(), orjson.loads(record.value or b"")


@contextmanager
def machine_load(processes: int) -> Iterator[None]:
    """So many processes of somebody else's compute, and yield to others as those do that are set aside."""
    program = f"import os; os.nice({NICE})\nwhile True: pass"
    running = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


async def best_p95(bus: Bus, word: ArtifactRef, name: str) -> float:
    """The better half of the small jobs: what else the machine does must not decide."""
    return min([await p95(bus, word, f"{name}-{half}", SMALL_JOBS // 2) for half in range(2)])


async def p95(bus: Bus, word: ArtifactRef, name: str, count: int) -> float:
    """Of small jobs one after the other: within how many seconds 95 of 100 are answered."""
    taken = []
    for number in range(count):
        job_id, began, seen = f"{bus.name}-{name}-{number}", monotonic(), len(bus.records)
        await bus.ask_for(word, job_id)
        await bus.until(lambda: job_id in dict(answers(bus, seen)))  # noqa: B023
        taken.append(monotonic() - began)
    return quantiles(taken, n=20)[-1]


def runs(file: Path) -> bool:
    """Whether the process whose id stands in the file still computes."""
    return Path(f"/proc/{file.read_text()}").exists()


async def test_long_work_does_not_hold_up_short_work(bus: Bus, service: EchoProcess, tmp_path: Path) -> None:
    """Beside a record of 20 MB and one that never ends, small jobs are answered within twice their time without.

    The machine is as busy without them: what is compared is what the service does.
    """
    store, endless = ArtifactStore(tmp_path / "artifacts"), tmp_path / "endless"
    small, large = [
        await store.put("public", "word", orjson.dumps("count " + "x" * size), inline=False)
        for size in (250_000, 20_000_000)
    ]
    await p95(bus, small, "warm", 20)
    with machine_load(2):
        alone = await best_p95(bus, small, "alone")
    await bus.ask_for(f"spin {endless}", f"{bus.name}-endless", LONG)
    await bus.ask_for(large, f"{bus.name}-large", LONG)
    await service.until(endless.exists)
    beside = await best_p95(bus, small, "beside")

    assert runs(endless)
    assert beside < 2 * alone
    assert 200 == service.health("/readyz")[0]
    await bus.until(lambda: f"{bus.name}-large" in dict(answers(bus)))
    assert await bus.lag() > 0  # nothing is committed past what never ends


async def test_a_service_full_of_long_work_says_so(
    bus: Bus, service: EchoProcess, kafka_bootstrap: str, redis_url: str, tmp_path: Path
) -> None:
    """While jobs that do not end hold all workers, health and notice name them; their timeout ends them for good."""
    files = [tmp_path / name for name in ("one", "two", "three")]
    jobs = [f"{bus.name}-{file.name}" for file in files]
    for job_id, file in zip(jobs, files, strict=True):
        await bus.ask_for(f"spin {file}", job_id, Policy(timeout_s=12))
    await service.until(lambda: service.health("/readyz")[0] == 503)
    problem = service.health("/readyz")[1] or ""
    async with Redis.from_url(redis_url) as redis:
        (notice,) = await BusyReports(redis).read(bus.name)
        async with Cluster(kafka_bootstrap) as cluster:
            owners = await cluster.owners(f"medkg.{bus.name}")
        await bus.until(lambda: set(jobs) <= {job_id for job_id, _ in answers(bus)})
        await service.ready()
        after = await BusyReports(redis).read(bus.name)

    assert "all workers are busy with jobs that take longer than 1 s" in problem
    assert (set(jobs), []) == (set(notice.jobs), after)
    # By this `medkg explain` knows whose partitions wait.
    assert [True] * 4 == [owner.startswith(f"medkg.{bus.name}.{notice.worker}-") for owner in owners.values()]
    assert {"compute_timeout", "timeout"} >= {answer["error"]["code"] for _, answer in answers(bus)}
    assert [False] * 3 == [runs(file) for file in files]
    await bus.committed()
