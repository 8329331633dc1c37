"""A stage service: what an ``app.py`` declares and runs."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import KW_ONLY, dataclass
from functools import partial
from typing import Any, ClassVar

from medkg_artifacts import ArtifactStore
from medkg_bus.consumer import BatchConsumer
from medkg_bus.producer import connected
from medkg_bus.shutdown import ShutdownSignal
from medkg_contracts import topics
from medkg_contracts.errors import ConfigurationError, GpuUnavailable, MedkgError, ModelServerUnavailable
from medkg_contracts.services import Service, ServiceKind, installed, load
from medkg_contracts.settings import Settings
from medkg_ledger import LedgerReader
from medkg_servicekit import Workload, accelerator
from medkg_servicekit.accelerator import AcceleratedSettings
from medkg_servicekit.hosting import host
from medkg_servicekit.startup_failures import StartupFailures
from redis.asyncio import Redis

from .binding import Binding, bind, opened
from .busy import BusyReports
from .compute import Compute, ComputeSettings, Spec
from .consumer import StageConsumer
from .crowding import Crowding
from .deaths import SharedDeathCounts
from .pool import WorkerPool
from .shared_guard import SharedGuard

logger = logging.getLogger(__name__)

#: How many records a poll brings, and so how many jobs an ``execute_batch`` sees at most.
MAX_RECORDS = 64
#: Redis is asked at the boundary of each batch: one that is slower than this, in seconds, is worked without.
REDIS_TIMEOUT_S = 2.0
#: How long jobs that compute hold up those behind them, in seconds; whoever takes longer goes on beside the others.
HOLD_S = 1.0
#: How long one batch may take before the service counts as stuck, in seconds.
LONGEST_BATCH_S = 900.0


@dataclass(frozen=True)
class StageService(Service):
    """A stage and how it is made.

    Attributes:
        name: the first part of its topics' names, and, unless it stands beside another, of its process, its image and
            its container.
        stage: the stage's class, made with the settings as its only argument.
        settings: the settings' class; read from the environment when the service starts.
        max_records: at most so many jobs in one batch, or what tells that from its settings.
        longest_batch_s: a batch that takes longer, apart from deliberate waits, makes the service count as stuck.
        accelerated: whether it runs a model, so that it refuses to start without what MK_ACCELERATOR names, or what
            tells that from its settings; they derive from `AcceleratedSettings`.
        compute: it computes, so that it is run in worker processes; None is for a stage that waits for servers.
        beside: further stages that the same process serves.
    """

    kind: ClassVar[ServiceKind] = ServiceKind.STAGE

    stage: Callable[[Any], Any]
    settings: type[Settings]
    _: KW_ONLY
    max_records: int | Callable[[Any], int] = MAX_RECORDS
    longest_batch_s: float = LONGEST_BATCH_S
    accelerated: bool | Callable[[Any], bool] = False
    compute: Compute | None = None
    beside: "tuple[StageService, ...]" = ()

    @property
    def stages(self) -> "tuple[StageService, ...]":
        """All stages that the process serves."""
        return (self, *self.beside)

    @property
    def container_memory_mb(self) -> int:
        """What its container may use, in MiB: its own process, and one job that needs all that it may have."""
        return self.memory_mb + (self.compute.memory_mb if self.compute else 0)

    @property
    def batch_records(self) -> int:
        """At most so many jobs in one batch, as it is set."""
        return self.max_records(self.settings()) if callable(self.max_records) else self.max_records

    @property
    def is_accelerated(self) -> bool:
        """Whether it runs a model, as it is set."""
        return self.accelerated(self.settings()) if callable(self.accelerated) else self.accelerated

    def bind(self) -> Binding:
        """Make the stage from its settings.

        Raises:
            ConfigurationError: a setting is wrong, or the class is no stage.
        """
        settings = self.settings()
        return bind(self.name, self.stage(settings), settings)

    async def open(self, stack: AsyncExitStack, log_level: str | None = None) -> tuple[Binding, WorkerPool | None]:
        """Make the stage ready, with the pool that it computes in if it does; they are closed with the stack.

        Args:
            stack: takes over what is opened.
            log_level: of the worker processes' JSON log; None leaves their logging as it is.

        Raises:
            MedkgError: the stage cannot be made.
        """
        binding = self.bind()
        if self.compute is None:
            await opened(binding, stack)
            return binding, None
        if binding.expands:
            raise ConfigurationError(f"{self.name} expands, and what expands cannot be run in worker processes")
        compute = self.compute.adjusted(ComputeSettings())
        spec = Spec(self.name, self.stage, self.settings(), compute.memory_mb, log_level)
        return binding, await stack.enter_async_context(WorkerPool(spec, compute))

    def run(self) -> None:
        """Run the stages in this process until SIGTERM or SIGINT; what is in work then is finished first."""
        host(self.name, self.settings, partial(_prepare, self))


def installed_stages() -> dict[str, StageService]:
    """The stages of all installed services, by name.

    Raises:
        ConfigurationError: a service cannot be loaded.
    """
    services = [load(entry) for entry in installed().values()]
    return {stage.name: stage for service in services if isinstance(service, StageService) for stage in service.stages}


async def _prepare(service: StageService, settings: Settings, stack: AsyncExitStack) -> Workload:
    redis = Redis.from_url(settings.redis_url, socket_timeout=REDIS_TIMEOUT_S, socket_connect_timeout=REDIS_TIMEOUT_S)
    stack.push_async_callback(redis.aclose)
    failures = StartupFailures(redis)
    for each in service.stages:
        async with _told(each, failures):
            if each.is_accelerated:
                accelerator.require(AcceleratedSettings())
    guard, orders = SharedGuard(redis), LedgerReader(redis)
    store = ArtifactStore.from_url(settings.artifacts_url)
    producer = await stack.enter_async_context(connected(settings.kafka, service.name, store))
    consumers, crowdings = [], []
    for each in service.stages:
        async with _told(each, failures):
            binding, pool = await each.open(stack, settings.log_level)
        await failures.clear(each.name)
        shutdown = ShutdownSignal()
        # Native code in this very process may end it.
        deaths = SharedDeathCounts(redis, each.name) if pool is None and each.is_accelerated else None
        stage = StageConsumer(
            binding, store, producer, guard=guard, orders=orders, shutdown=shutdown, pool=pool, deaths=deaths
        )
        consumer = BatchConsumer(
            settings.kafka,
            [topics.queue(each.name)],
            topics.group(each.name),
            stage.handle,
            max_records=each.batch_records,
            longest_batch_s=each.longest_batch_s,
            shutdown=shutdown,
            hold_s=None if pool is None else HOLD_S,
        )
        if pool is not None:
            stage.finished = consumer.finished
            crowdings.append(Crowding(each.name, pool, BusyReports(redis)))
        consumers.append(consumer)
    background = [crowding.watch() for crowding in crowdings]
    return Workload(consumers, background=background, checks=[partial(getattr, each, "problem") for each in crowdings])


@asynccontextmanager
async def _told(service: StageService, failures: StartupFailures) -> AsyncIterator[None]:
    """Around what a start may fail for, so that `medkg explain` can say why nobody does the service's work.

    Raises:
        SystemExit: there is nothing that its model runs on: neither a GPU nor a server is waited for.
    """
    try:
        yield
    except MedkgError as error:
        await failures.leave(service.name, error)
        if not isinstance(error, GpuUnavailable | ModelServerUnavailable):
            raise
        logger.critical("%s does not start: %s %s", service.name, error, error.info.remedy)
        raise SystemExit(accelerator.EXIT_CODE) from None
