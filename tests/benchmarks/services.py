"""The product's own services: what they use while they wait, and documents that go through them."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from statistics import mean
from typing import Final

from medkg_artifacts import ArtifactStore
from medkg_models import DEFAULT_DENSE, PackagedModel, fetched, named
from medkg_models.catalogue import DEFAULT_SPARSE

from tests.shipped import STAGE_SERVICES

from .bed import Bed
from .documents import SHIPPED, WITH_VECTORS, WORDS_ALONE, Corpus, stages_of, write_topologies
from .measures import Throughput, throughput
from .usage import Meter, rss_mb

#: The product's services that wait for work.
IDLE_SERVICES: Final = ("router", *STAGE_SERVICES)
#: The models of those that run one as they wait.
MODELS: Final = {"embed": DEFAULT_DENSE, "splade": DEFAULT_SPARSE}
#: Between a service's readiness and the begin of its idle time: a consumer group settles, imports are collected.
_SETTLE_S: Final = 5.0
#: Its effect is outside the artifacts.
_ALWAYS_RUN: Final = {"index"}


@dataclass(frozen=True, slots=True)
class Idle:
    """A service that has nothing to do.

    Attributes:
        core: share of a core that it uses.
    """

    core: float
    rss_mb: float


@dataclass(frozen=True, slots=True)
class Documents:
    """Real documents through the product's own stages, which have seen them before.

    Attributes:
        words: by the topology without models.
        vectors: with both models' answers from memory.
    """

    words: Throughput
    vectors: Throughput

    @property
    def share(self) -> float:
        """Jobs a second with vectors, as a share of those without."""
        return self.vectors.jobs_per_s / self.words.jobs_per_s


@asynccontextmanager
async def shipped(bed: Bed) -> AsyncIterator[dict[str, int]]:
    """The product's own services, as far as they wait for work, and what they need: their processes by name."""
    with ExitStack() as stack:
        await asyncio.to_thread(bed.stack.up, ["kafka", "redis", "opensearch"])
        topologies = write_topologies(bed.root / SHIPPED)
        services = bed.services({"MK_TOPOLOGIES": str(topologies), "MK_ACCELERATOR": "cpu"})
        stack.callback(services.stop)
        await asyncio.to_thread(services.start, IDLE_SERVICES)
        await asyncio.sleep(_SETTLE_S)
        yield {line.name.rpartition("-")[0]: line.pid for line in services.status() if line.pid is not None}


async def idle(pids: Mapping[str, int], seconds: float) -> dict[str, Idle]:
    """What services use while there is nothing to do."""
    meter = Meter(pids)
    await asyncio.sleep(seconds)
    return {name: Idle(used / seconds, rss_mb(pids[name])) for name, used in meter.used().items()}


def weights_mb() -> dict[str, float]:
    """How large the weights are of each model that a service runs, in MB of 1024 KiB, by service."""
    models = {service: named(name, PackagedModel) for service, name in MODELS.items()}
    return {name: (fetched(each) / each.weights.name).stat().st_size / 2**20 for name, each in models.items()}


async def documents(bed: Bed, pids: Mapping[str, int], count: int, pairs: int) -> Documents:
    """The same documents without and with vectors, by turns, after both have seen them once.

    Raises:
        StoryWrong: an event is missing, or is there twice, or a stage did not answer from memory.
    """
    corpus = Corpus(ArtifactStore.from_url(bed.stack.environment()["MK_ARTIFACTS_URL"]), count)
    stages = {topology: stages_of(bed.root / SHIPPED, topology) for topology in (WORDS_ALONE, WITH_VECTORS)}
    runs: dict[str, list[Throughput]] = {topology: [] for topology in stages}
    for number in range(1 + pairs):
        for topology in sorted(stages, reverse=bool(number % 2)):
            names = stages[topology]
            recalled = {*names} - _ALWAYS_RUN if number else ()
            run = throughput(bed, {**bed.pids, **pids}, await corpus.requests(topology), names, recalled=recalled)
            runs[topology].append(await run)
    return Documents(*(_together(each[1:]) for each in runs.values()))


def _together(runs: Sequence[Throughput]) -> Throughput:
    jobs, seconds = sum(each.jobs for each in runs), sum(each.seconds for each in runs)
    cpu = {name: round(mean(each.cpu_ms_per_job[name] for each in runs), 3) for name in runs[0].cpu_ms_per_job}
    return Throughput(jobs, seconds, jobs / seconds, cpu)
