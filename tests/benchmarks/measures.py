"""The measurements, one function each."""

import asyncio
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Final

import orjson
from medkg_contracts import topics
from medkg_contracts.kinds import TYPE_PREFIX, Kind

from .bed import Bed
from .latency import Mark, Percentiles, hops, percentiles
from .noop import STAGES
from .pattern import Rules, bytes_of, router_rules, seen, stage_rules, to_json
from .profile import Sampled, by_module, heaviest
from .provisioning import RELAYED
from .story import Told, expected, faults
from .traffic import Raw, Request, request, traffic
from .usage import Meter

TOPOLOGY: Final = "noop"
#: The same, under policies with a breaker, a rate limit and a bound on executions at once.
GUARDED: Final = "noop-guarded"
NODES: Final = tuple(f"noop{number}" for number in range(1, STAGES + 1))
#: Jobs a second of the latency measurement.
RATE: Final = 20.0

_HEAVIEST: Final = 12


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
    return await throughput(bed, bed.pids, [request(topology) for _ in range(jobs)])


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
    return await throughput(bed, bed.pids, [request(TOPOLOGY) for _ in range(jobs)], prefix=RELAYED)


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
        await line.throughput([one], len(expected([one.job_id], NODES)), _completes)
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


async def throughput(
    bed: Bed,
    pids: Mapping[str, int],
    requests: Sequence[Request],
    nodes: Sequence[str] = NODES,
    *,
    recalled: Collection[str] = (),
    prefix: str = "",
) -> Throughput:
    """Jobs as fast as they go; every one of their events is checked.

    Args:
        bed: where they run.
        pids: of the processes whose time is measured.
        requests: the jobs.
        nodes: the stages that each passes.
        recalled: those of which each answers from memory.
        prefix: of the names of the topics.

    Raises:
        StoryWrong: an event is missing, or is there twice, or a stage has done again what it should remember.
    """
    jobs = [each.job_id for each in requests]
    async with traffic(bed.kafka, bed.partitions, prefix + topics.REQUESTS, prefix + topics.EVENTS) as line:
        meter = Meter(pids)
        run = await line.throughput(requests, len(expected(jobs, nodes)), _completes)
        used = meter.used()
    _check([_told(record) for record in run.events], jobs, nodes)
    if again := sum(_told(record)[2] in recalled and _is_made(record) for record in run.events):
        raise StoryWrong(f"{again} stages were run again, though they should have answered from memory")
    return Throughput(len(jobs), run.seconds, len(jobs) / run.seconds, _per_job(used, len(jobs)))


def _check(told: Sequence[Told], jobs: Sequence[str], nodes: Sequence[str] = NODES) -> None:
    wrong = faults(told, expected(jobs, nodes))
    if wrong:
        raise StoryWrong(f"{len(wrong)} events are wrong, such as {'; '.join(wrong[:5])}")


def _told(record: Raw) -> Told:
    headers = dict(record.headers)
    node = headers.get("ce_stage")
    return record.key.decode(), headers["ce_type"].decode(), None if node is None else node.decode()


def _completes(record: Raw) -> bool:
    return _told(record)[1] == Kind.JOB_COMPLETED.type


def _is_made(record: Raw) -> bool:
    return _told(record)[1] == Kind.STAGE_COMPLETED.type and not orjson.loads(record.value)["skipped"]


def _mark(record: Raw) -> Mark:
    job_id, event_type, node = _told(record)
    at = datetime.fromisoformat(dict(record.headers)["ce_time"].decode()).timestamp()
    return Mark(job_id, Kind(event_type.removeprefix(TYPE_PREFIX)), node, at)


def _per_job(used: dict[str, float], jobs: int) -> dict[str, float]:
    return {name: round(seconds * 1000 / jobs, 3) for name, seconds in used.items()}


def _profile(file: Path) -> Profile:
    samples = [Sampled(*row) for row in json.loads(file.read_text())["own"]]
    return Profile(sum(each.count for each in samples), by_module(samples), heaviest(samples, _HEAVIEST))
