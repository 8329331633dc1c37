"""A stage service as processes with a real Kafka and a real Redis: orders, shared breakers, a missing GPU."""

import json
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from medkg_contracts.policy import Breaker, Policy
from medkg_ledger.store import Ledger
from medkg_servicekit import accelerator
from medkg_servicekit.startup_failures import StartupFailures
from redis.asyncio import Redis

from .processes import EVENTS, Bus, EchoProcess

pytestmark = pytest.mark.integration

Start = Callable[..., EchoProcess]


@pytest.fixture
async def bus(kafka_bootstrap: str) -> AsyncIterator[Bus]:
    """The topics of a service that no other test has."""
    async with Bus(kafka_bootstrap, f"echo-{uuid4().hex[:8]}") as bus:
        yield bus


@pytest.fixture
def start(kafka_bootstrap: str, redis_url: str, bus: Bus, tmp_path: Path) -> Iterator[Start]:
    """Starts a replica; all are ended with the test."""
    running: list[EchoProcess] = []

    def begin(**environment: str) -> EchoProcess:
        running.append(EchoProcess(bus.name, tmp_path, kafka_bootstrap, MK_REDIS_URL=redis_url, **environment))
        return running[-1]

    yield begin
    for service in running:
        service.end()


@pytest.fixture
async def ledger(redis_url: str) -> AsyncIterator[Ledger]:
    """The ledger that the service's orders are in."""
    ledger = Ledger.from_url(redis_url)
    yield ledger
    await ledger.close()


@asynccontextmanager
async def paused(ledger: Ledger, bus: Bus) -> AsyncIterator[None]:
    await ledger.pause(f"stage:{bus.name}")
    yield
    await ledger.resume(f"stage:{bus.name}")


def told(bus: Bus, kind: str) -> list[dict]:
    """The data of the service's lifecycle events of this kind."""
    return [
        json.loads(record.value)
        for record in bus.records
        if record.topic == EVENTS
        and dict(record.headers)["ce_type"].decode().endswith(kind)
        and bus.name in record.key.decode()
    ]


async def test_a_paused_stage_holds_its_work_and_ends_when_told(bus: Bus, start: Start, ledger: Ledger) -> None:
    """A paused stage begins nothing and lives; told to end it ends at once, and the next replica does its work."""
    await bus.ask(["one", "two"])
    async with paused(ledger, bus):
        first = start()
        await first.until(lambda: [line for line in first.lines if "the stage is paused" in line["message"]])
        assert (200, None) == first.health("/livez")
        assert (0, 2, []) == (await first.ended(signal.SIGTERM), await bus.lag(), first.started)

    second = start()
    await bus.until(lambda: len(bus.answered()) == 2)
    assert 2 == len(second.started)


async def test_three_replicas_share_one_breaker(bus: Bus, start: Start, tmp_path: Path) -> None:
    """Failures on any replica open the breaker for all: the queue is kept, one probe at a time tries, all is done."""
    policy = Policy(name="brittle", attempts=1, breaker=Breaker(failures=6, reset_s=0.5))
    words = [f"away-{number}" for number in range(40)]
    replicas = [start() for _ in range(3)]
    for replica in replicas:
        await replica.ready()
    await bus.ask(words, policy=policy)
    await bus.until(lambda: told(bus, "breaker.opened"))
    (tmp_path / "back").touch()
    await bus.until(lambda: len(bus.answered()) == 40)
    await bus.until(lambda: told(bus, "breaker.closed"))

    failed = [job for job, answers in bus.answered().items() if answers[0].get("error")]
    # each replica may have as many in work as it has slots when the breaker opens
    assert 6 <= len(failed) <= 6 + 3 * 8
    assert {"resource_unavailable"} == {bus.answered()[job][0]["error"]["code"] for job in failed}
    assert (1, 1) == (len(told(bus, "breaker.opened")), len(told(bus, "breaker.closed")))


async def test_without_a_gpu_a_service_does_not_start(bus: Bus, start: Start, redis_url: str) -> None:
    """A service that needs a GPU ends with an error, says so in its log and leaves a notice; on request it runs."""
    refused = start(ECHO_ACCELERATED="1", CUDA_VISIBLE_DEVICES="", MK_ACCELERATOR="cuda")
    assert accelerator.EXIT_CODE == await refused.ended()
    assert ["critical"] == [line["level"] for line in refused.lines if "no usable GPU" in line["message"]]

    async with Redis.from_url(redis_url) as redis:
        notice = await StartupFailures(redis).read(bus.name)
        await start(ECHO_ACCELERATED="1", CUDA_VISIBLE_DEVICES="", MK_ACCELERATOR="cpu").ready()
        after = await StartupFailures(redis).read(bus.name)
    assert ("gpu_unavailable", None) == (notice.code if notice else None, after)


async def test_without_its_models_server_a_service_does_not_start(bus: Bus, start: Start, redis_url: str) -> None:
    """It ends as one without a GPU does, and leaves a notice with the remedy; once the server is back it runs."""
    refused = start(ECHO_SERVER="dead")
    assert accelerator.EXIT_CODE == await refused.ended()

    async with Redis.from_url(redis_url) as redis:
        notice = await StartupFailures(redis).read(bus.name)
        await start().ready()
        after = await StartupFailures(redis).read(bus.name)
    assert ("model_server_unavailable", None) == (notice.code if notice else None, after)
    assert "Check that the model's server runs" in (notice.message if notice else "")
