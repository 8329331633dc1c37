"""The measurements, one function each."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Final

from medkg_contracts import topics
from medkg_contracts.kinds import TYPE_PREFIX, Kind

from tests.shipped import STAGE_SERVICES

from .bed import PRODUCT_TOPOLOGIES, Bed
from .latency import Mark, Percentiles, hops, percentiles
from .noop import STAGES
from .pattern import Rules, bytes_of, router_rules, seen, stage_rules, to_json
from .profile import Sampled, by_module, heaviest
from .provisioning import RELAYED
from .story import Told, expected, faults
from .traffic import Raw, Request, request, traffic
from .usage import Meter, rss_mb

TOPOLOGY: Final = "noop"
#: The same, under policies with a breaker, a rate limit and a bound on executions at once.
GUARDED: Final = "noop-guarded"
NODES: Final = tuple(f"noop{number}" for number in range(1, STAGES + 1))
#: The product's services that wait for work.
IDLE_SERVICES: Final = ("router", *STAGE_SERVICES)
#: Jobs a second of the latency measurement.
RATE: Final = 20.0

_EVENTS_PER_JOB: Final = 2 + 2 * STAGES
_HEAVIEST: Final = 12
#: Between a service's readiness and the begin of its idle time: a consumer group settles, imports are collected.
_SETTLE_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Throughput:
    """A number of jobs, sent at once.

    Attributes:
        cpu_ms_per_job: processor time by process.
    """

    jobs: int
    seconds: float
    jobs_per_s: float
    cpu_ms_per_job: dict[str, float]


@dataclass(frozen=True, slots=True)
class Latency:
    """Jobs at a steady rate.

    Attributes:
        whole: from a request's sending until its completion was heard, by the same client.
        hops: parts of a hop, by the times that the events carry.
    """

    whole: Percentiles
    hops: dict[str, Percentiles]
    cpu_ms_per_job: dict[str, float]


@dataclass(frozen=True, slots=True)
class Profile:
    """Where a process's time goes.

    Attributes:
        samples: how many there were.
        modules: shares by package.
        functions: shares of the heaviest functions.
    """

    samples: int
    modules: dict[str, float]
    functions: dict[str, float]


@dataclass(frozen=True, slots=True)
class Idle:
    """A service that has nothing to do.

    Attributes:
        core: share of a core that it uses.
    """

    core: float
    rss_mb: float


class StoryWrong(AssertionError):
    """The lifecycle events do not tell of every job exactly once."""


def start_product(bed: Bed, profiles: Path | None = None) -> None:
    """Start the router and the process of the eight stages, under the sampler if their profiles are wanted."""
    for name, module in (("router", "medkg_router.app"), ("stages", "tests.benchmarks.noop")):
        bed.service(name, module, None if profiles is None else profiles / f"{name}.json")


def start_relay(bed: Bed, rules: dict[str, Rules]) -> None:
    """Start the relay's two processes."""
    for name, each in rules.items():
        file = bed.root / f"{name}.rules.json"
        file.write_text(json.dumps(to_json(each)))
        ready = bed.root / f"{name}.ready"
        bed.program(name, ["tests.benchmarks.relay", bed.kafka, name, str(file), str(ready)], ready)


async def product(bed: Bed, jobs: int, topology: str = TOPOLOGY) -> Throughput:
    """Jobs through the product as fast as it can; every one of their events is checked.

    Raises:
        StoryWrong: an event is missing, or is there twice.
    """
    return await _throughput(bed, jobs, topics.REQUESTS, topics.EVENTS, topology)


async def policies(bed: Bed, jobs: int, pairs: int) -> float:
    """What share of the throughput policies cost: the median of pairs, with and without one right after the other.

    A pair takes seconds, so that drift falls on both alike; what disturbs the machine for a while spoils one pair.

    Raises:
        StoryWrong: an event is missing, or is there twice.
    """
    costs: list[float] = []
    for number in range(pairs):
        order = (GUARDED, TOPOLOGY) if number % 2 else (TOPOLOGY, GUARDED)
        took = {topology: (await product(bed, jobs // 2, topology)).seconds for topology in order}
        costs.append(1 - took[TOPOLOGY] / took[GUARDED])
    return median(costs)


async def floor(bed: Bed, jobs: int) -> Throughput:
    """As many jobs' records through the relay; it too must deliver all of them, and none twice.

    Raises:
        StoryWrong: an event is missing, or is there twice.
    """
    return await _throughput(bed, jobs, RELAYED + topics.REQUESTS, RELAYED + topics.EVENTS, TOPOLOGY)


async def latency(bed: Bed, seconds: float) -> Latency:
    """Jobs at a steady rate.

    Raises:
        StoryWrong: an event is missing, or is there twice.
    """
    jobs = round(RATE * seconds)
    async with traffic(bed.kafka, bed.partitions, topics.REQUESTS, topics.EVENTS) as line:
        meter = Meter(bed.pids)
        whole, records = await line.paced(
            lambda: request(TOPOLOGY), jobs, RATE, [topics.queue(node) for node in NODES], _completes
        )
    used = meter.used()
    _check([_told(record) for record in records if record.topic == topics.EVENTS], list(whole))
    return Latency(percentiles(list(whole.values())), hops(map(_mark, records), NODES), _per_job(used, jobs))


async def capture(bed: Bed) -> dict[str, Rules]:
    """The relay's rules, by process, from the records of one real job."""
    one: Request = request(TOPOLOGY)
    listed = [topics.REQUESTS, topics.EVENTS, *(f(node) for node in NODES for f in (topics.queue, topics.done))]
    async with traffic(bed.kafka, bed.partitions, topics.REQUESTS, topics.EVENTS) as line:
        await line.throughput([one], _EVENTS_PER_JOB, _completes)
        records = [
            seen(record.topic, record.value, record.headers) for record in await line.records_of(one.job_id, listed)
        ]
    return {"relay-router": router_rules(records, NODES), "relay-stages": stage_rules(records, NODES)}


def pattern_size(rules: dict[str, Rules]) -> tuple[int, int]:
    """Records that a job's request leads to, and the bytes of their values and headers."""
    return bytes_of(rules.values())


async def profiles(bed: Bed, jobs: int) -> dict[str, Profile]:
    """Where the router's and the stages' time goes, from a pass of its own."""
    start_product(bed, bed.root)
    await product(bed, jobs)
    for name in ("router", "stages"):
        bed.sample(name)
    await product(bed, jobs)
    await asyncio.to_thread(bed.stop)
    return {name: _profile(bed.root / f"{name}.json") for name in ("router", "stages")}


async def idle(bed: Bed, seconds: float) -> dict[str, Idle]:
    """What the product's own services use while there is nothing to do."""
    with ExitStack() as stack:
        await asyncio.to_thread(bed.stack.up)
        services = bed.services({"MK_TOPOLOGIES": str(PRODUCT_TOPOLOGIES)})
        stack.callback(services.stop)
        await asyncio.to_thread(services.start, IDLE_SERVICES)
        await asyncio.sleep(_SETTLE_S)
        pids = {line.name.rpartition("-")[0]: line.pid for line in services.status() if line.pid is not None}
        meter = Meter(pids)
        await asyncio.sleep(seconds)
        used = meter.used()
        return {name: Idle(used[name] / seconds, rss_mb(pids[name])) for name in IDLE_SERVICES}


async def _throughput(bed: Bed, jobs: int, requests_topic: str, events_topic: str, topology: str) -> Throughput:
    async with traffic(bed.kafka, bed.partitions, requests_topic, events_topic) as line:
        requests = [request(topology) for _ in range(jobs)]
        meter = Meter(bed.pids)
        run = await line.throughput(requests, jobs * _EVENTS_PER_JOB, _completes)
        used = meter.used()
    _check([_told(record) for record in run.events], [each.job_id for each in requests])
    return Throughput(jobs, run.seconds, jobs / run.seconds, _per_job(used, jobs))


def _check(told: Sequence[Told], jobs: Sequence[str]) -> None:
    wrong = faults(told, expected(jobs, NODES))
    if wrong:
        raise StoryWrong(f"{len(wrong)} events are wrong, such as {'; '.join(wrong[:5])}")


def _told(record: Raw) -> Told:
    headers = dict(record.headers)
    node = headers.get("ce_stage")
    return record.key.decode(), headers["ce_type"].decode(), None if node is None else node.decode()


def _completes(record: Raw) -> bool:
    return _told(record)[1] == Kind.JOB_COMPLETED.type


def _mark(record: Raw) -> Mark:
    job_id, event_type, node = _told(record)
    at = datetime.fromisoformat(dict(record.headers)["ce_time"].decode()).timestamp()
    return Mark(job_id, Kind(event_type.removeprefix(TYPE_PREFIX)), node, at)


def _per_job(used: dict[str, float], jobs: int) -> dict[str, float]:
    return {name: round(seconds * 1000 / jobs, 3) for name, seconds in used.items()}


def _profile(file: Path) -> Profile:
    samples = [Sampled(*row) for row in json.loads(file.read_text())["own"]]
    return Profile(sum(each.count for each in samples), by_module(samples), heaviest(samples, _HEAVIEST))
