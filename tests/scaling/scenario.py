"""What scaling a stage has to bring, told once for every kind of deployment: processes, containers."""

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Any, Final, Protocol
from uuid import uuid4

from aiokafka.partitioner import DefaultPartitioner
from medkg_bus.cluster import Cluster
from medkg_bus.instance import instance_of
from medkg_contracts import topics
from medkg_contracts.cloudevents import CloudEvent, from_record
from medkg_contracts.data import StageResult
from medkg_contracts.events import read_data
from medkg_contracts.kinds import Kind, kind_of
from medkg_contracts.requests import JobRequest
from medkg_testing import Watch

SERVICE: Final = "slow"
PARTITIONS: Final = 6
TOPOLOGIES: Final = Path(__file__).parent / "topologies"

#: So much longer than one consumer three have to be faster, at least; three times would be without any loss.
SPEEDUP: Final = 2.7
#: So many times it is measured at most.
MEASUREMENTS: Final = 3
#: Jobs of a measurement, for each consumer: 4 seconds of work.
MEASURED: Final = 72

#: While consumers come and go, so many jobs wait at least.
IN_FLIGHT: Final = 90
#: A step of scaling is over when each consumer that is to be there has done so many jobs since it began.
DONE_BY_EACH: Final = 4

_PATIENCE_S: Final = 60.0
_LOOK_S: Final = 0.05


class Deployment(Protocol):
    """A running product with the topology `slow`, its topics and a router; how many consumers there are, tests say.

    Attributes:
        kafka: Kafka's address, from here.
        redis_url: Redis' address, from here.
    """

    @property
    def kafka(self) -> str: ...  # noqa: D102

    @property
    def redis_url(self) -> str: ...  # noqa: D102

    def submit(self, request: Sequence[JobRequest], *, job: Sequence[str]) -> list[str]:
        """Ask for jobs of these ids."""
        ...

    def watch(self) -> AbstractContextManager[Watch]:
        """Every lifecycle event from now on."""
        ...

    def scale(self, service: str, replicas: int) -> None:
        """Have exactly so many consumers: returns when new ones are ready, and those that are too many have ended."""
        ...


async def three_are_as_fast_as_three(deployment: Deployment) -> None:
    """Three consumers do at least 2.7 times as many jobs a second as one does.

    The best of some measurements counts: what else a small machine does can only make it seem slower than it is.
    """
    ratios = []
    while len(ratios) < MEASUREMENTS and max(ratios, default=0.0) < SPEEDUP:
        one, three = [await _scaled_rate(deployment, replicas) for replicas in (1, 3)]
        print(f"jobs a second: {one:.1f} by one, {three:.1f} by three; {three / one:.2f} times")
        ratios.append(three / one)
    assert max(ratios) >= SPEEDUP, ratios


async def _scaled_rate(deployment: Deployment, replicas: int) -> float:
    await asyncio.to_thread(deployment.scale, SERVICE, replicas)
    await shared(deployment, replicas)
    return await _rate(deployment, replicas * MEASURED)


async def scaling_under_load_repeats_nothing(deployment: Deployment, steps: Sequence[int]) -> None:
    """While consumers come and go under load, one execution does each job; and `medkg consumers` knows whose."""
    with deployment.watch() as watch:
        load = _Load(deployment, watch)
        for replicas in steps:
            await load.during(_step(deployment, watch, replicas))
        await asyncio.to_thread(watch.ended, load.jobs)
        done = partial(_about, kind=Kind.STAGE_COMPLETED, jobs=load.jobs)
        await asyncio.to_thread(watch.until, lambda events: len(done(events)) >= len(load.jobs))
    for kind in (Kind.STAGE_STARTED, Kind.STAGE_COMPLETED):
        counts = Counter(_about(watch.events, kind, load.jobs))
        wrong = {job: counts[job] for job in load.jobs if counts[job] != 1}
        assert not wrong, f"{len(wrong)} of {len(load.jobs)} jobs, by their number of {kind} events: {wrong}"
    wrong = {job: watch.ends[job] for job in load.jobs if watch.ends[job] is not Kind.JOB_COMPLETED}
    assert not wrong, f"ended otherwise: {wrong}"
    await _reported(deployment)


async def shared(deployment: Deployment, replicas: int) -> dict[str, list[int]]:
    """Wait until so many consumers share the partitions evenly; the partitions of each, by instance name."""
    even = sorted(len(range(number, PARTITIONS, replicas)) for number in range(replicas))
    held: dict[str, list[int]] = {}
    async with Cluster(deployment.kafka) as cluster:

        async def is_even() -> bool:
            held.clear()
            held.update(await _held(cluster))
            return sorted(map(len, held.values())) == even

        await _until(is_even, lambda: f"{replicas} consumers were to share {PARTITIONS} partitions: {held}")
    return held


async def _step(deployment: Deployment, watch: Watch, replicas: int) -> None:
    began = len(watch.events)
    await asyncio.to_thread(deployment.scale, SERVICE, replicas)
    async with Cluster(deployment.kafka) as cluster:
        # At once: a consumer that has ended has left the group, so that nobody waits until it is missed.
        members = await _held(cluster)
        assert len(members) == replicas, f"{replicas} consumers were to be there: {members}"
    names = (await shared(deployment, replicas)).keys()

    async def all_have_worked() -> bool:
        done = Counter(_worker(event) for event in watch.events[began:] if kind_of(event) is Kind.STAGE_COMPLETED)
        return all(done[name] >= DONE_BY_EACH for name in names)

    await _until(all_have_worked, lambda: f"not all of {sorted(names)} got work")


async def _reported(deployment: Deployment) -> None:
    """`medkg consumers` says what the events say, and what the group says."""
    report: dict[str, Any] = {}

    async def committed() -> bool:
        nonlocal report
        (report,) = await asyncio.to_thread(_medkg_consumers, deployment)
        return not report["lag"]

    await _until(committed, lambda: f"the queue is done, and not committed: {report}")
    done: Counter[str] = Counter()
    async with Cluster(deployment.kafka) as cluster:
        async for record in cluster.since(topics.EVENTS, 0):
            event = from_record(record.headers, record.value)
            if kind_of(event) is Kind.STAGE_COMPLETED and event.extensions["stage"] == SERVICE:
                done[_worker(event)] += 1
        held = await _held(cluster)
    consumers = report["consumers"]
    said = {each["consumer"]: each["jobs"] for each in consumers if each["jobs"]}
    assert said == done, f"the events say {done}; the command says {said}"
    assert (done.total(), PARTITIONS) == (report["jobs"], report["partitions"]), report
    said = {each["consumer"]: each["partitions"] for each in consumers if each["member"]}
    assert said == held, f"the group says {held}; the command says {said}"


def _medkg_consumers(deployment: Deployment) -> Any:
    settings = {"MK_KAFKA": deployment.kafka, "MK_REDIS_URL": deployment.redis_url, "MK_TOPOLOGIES": str(TOPOLOGIES)}
    command = [str(Path(sys.executable).with_name("medkg")), "consumers", SERVICE, "--since", "1h", "--json"]
    done = subprocess.run(command, env={**os.environ, **settings}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class _Load:
    """Jobs, always enough of them in flight."""

    def __init__(self, deployment: Deployment, watch: Watch) -> None:
        self._deployment = deployment
        self._watch = watch
        self.jobs: list[str] = []

    async def during(self, step: Awaitable[None]) -> None:
        """Keep asking for jobs until the step is done."""
        task = asyncio.ensure_future(step)
        async with asyncio.timeout(2 * _PATIENCE_S):
            while not task.done():
                if len(self.jobs) - len(self._watch.ends.keys() & set(self.jobs)) < IN_FLIGHT:
                    wave = balanced(IN_FLIGHT)
                    self.jobs += wave
                    await _submit(self._deployment, wave)
                await asyncio.to_thread(self._watch.more)
        await task


async def _rate(deployment: Deployment, jobs: int) -> float:
    """Jobs a second between the beginning of the first and the end of the last, by the events' own times."""
    wave = balanced(jobs)
    with deployment.watch() as watch:
        await _submit(deployment, wave)
        await asyncio.to_thread(watch.ended, wave)
    times, mine = defaultdict(list), set(wave)
    for event in watch.events:
        if event.time is not None and event.extensions.get("jobid") in mine:
            times[kind_of(event)].append(event.time)
    return jobs / (max(times[Kind.STAGE_COMPLETED]) - min(times[Kind.STAGE_STARTED])).total_seconds()


def balanced(jobs: int) -> list[str]:
    """New job ids, as many of them in each partition, and in turn.

    Kafka places a job by its id's hash. Some hundred ids of chance are spread unevenly, and the consumer with the most
    would be the last: that would measure luck, and not what another consumer brings.
    """
    partitions, place = list(range(PARTITIONS)), DefaultPartitioner()
    run = uuid4().hex[:8]
    found: dict[int, list[str]] = {number: [] for number in partitions}
    each = -(-jobs // PARTITIONS)
    for number in count():
        job = f"slow-{run}-{number}"
        found[place(job.encode(), partitions, partitions)].append(job)
        if all(len(ids) >= each for ids in found.values()):
            break
    return [job for turn in zip(*(found[number][:each] for number in partitions), strict=True) for job in turn][:jobs]


async def _submit(deployment: Deployment, jobs: Sequence[str]) -> None:
    requests = [JobRequest(source="slow", id=job, topology="slow") for job in jobs]
    await asyncio.to_thread(deployment.submit, requests, job=jobs)


async def _held(cluster: Cluster) -> dict[str, list[int]]:
    group = topics.group(SERVICE)
    return {
        instance_of(group, member.client_id): [partition.partition for partition in member.partitions]
        for member in await cluster.members(group)
    }


def _about(events: Iterable[CloudEvent], kind: Kind, jobs: Collection[str]) -> list[str]:
    """The jobs that events of this kind are about, each as often as there are events."""
    wanted = set(jobs)
    return [job for event in events if kind_of(event) is kind and (job := event.extensions["jobid"]) in wanted]


def _worker(event: CloudEvent) -> str:
    return read_data(event, StageResult).worker


async def _until(true: Callable[[], Awaitable[bool]], otherwise: Callable[[], str]) -> None:
    deadline = monotonic() + _PATIENCE_S
    while not await true():
        assert monotonic() < deadline, otherwise()
        await asyncio.sleep(_LOOK_S)
