"""A stage service: what an ``app.py`` declares and runs."""

import asyncio
import gc
import logging
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

from faststream import FastStream
from medkg_artifacts import ArtifactStore
from medkg_bus.consumer import BatchConsumer
from medkg_bus.producer import connected
from medkg_bus.shutdown import ShutdownSignal
from medkg_contracts import topics
from medkg_contracts.errors import ConfigurationError, GpuUnavailable
from medkg_contracts.settings import Settings
from medkg_ledger import LedgerReader
from redis.asyncio import Redis

from . import accelerator, startup
from .accelerator import AcceleratedSettings
from .binding import Binding, bind, opened
from .compute import Compute, ComputeSettings, Spec
from .consumer import StageConsumer
from .health import Check, HealthServer
from .notices import Notices
from .pool import WorkerPool
from .shared_guard import SharedGuard

logger = logging.getLogger(__name__)

#: How many records a poll brings, and so how many jobs an ``execute_batch`` sees at most.
MAX_RECORDS = 64
#: Redis is asked at the boundary of each batch: one that is slower than this, in seconds, is worked without.
REDIS_TIMEOUT_S = 2.0
#: How long one batch may take before the service counts as stuck, in seconds.
LONGEST_BATCH_S = 900.0


@dataclass(frozen=True)
class StageService:
    """A stage and how it is made.

    Attributes:
        name: of the service: the first part of its topics' names.
        stage: the stage's class, made with the settings as its only argument.
        settings: the settings' class; read from the environment when the service starts.
        max_records: at most so many jobs in one batch.
        longest_batch_s: a batch that takes longer, apart from deliberate waits, makes the service count as stuck.
        accelerated: it runs a model, and refuses to start without what MK_ACCELERATOR names; its settings derive from
            `AcceleratedSettings`.
        compute: it computes, so that it is run in worker processes; None is for a stage that waits for servers.
    """

    name: str
    stage: Callable[[Any], Any]
    settings: type[Settings]
    max_records: int = MAX_RECORDS
    longest_batch_s: float = LONGEST_BATCH_S
    accelerated: bool = False
    compute: Compute | None = None

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


def run(*services: StageService) -> None:
    """Run the services in this process until SIGTERM or SIGINT; what is in work then is finished first."""
    settings = services[0].settings()
    startup.run(services[0].name, settings.log_level, _serve(services, settings))


async def _serve(services: Sequence[StageService], settings: Settings) -> None:
    async with AsyncExitStack() as stack:
        consumers = await startup.prepared(partial(_prepare, services, settings), stack)
        await serve(consumers, settings, stack)


async def _prepare(services: Sequence[StageService], settings: Settings, stack: AsyncExitStack) -> list[BatchConsumer]:
    redis = Redis.from_url(settings.redis_url, socket_timeout=REDIS_TIMEOUT_S, socket_connect_timeout=REDIS_TIMEOUT_S)
    stack.push_async_callback(redis.aclose)
    await _check(services, Notices(redis))
    guard, orders = SharedGuard(redis), LedgerReader(redis)
    store = ArtifactStore.from_url(settings.artifacts_url)
    producer = await stack.enter_async_context(connected(settings.kafka, services[0].name, store))
    consumers = []
    for service in services:
        binding, pool = await service.open(stack, settings.log_level)
        shutdown = ShutdownSignal()
        consumer = StageConsumer(binding, store, producer, guard=guard, orders=orders, shutdown=shutdown, pool=pool)
        consumers.append(
            BatchConsumer(
                settings.kafka,
                [topics.queue(service.name)],
                topics.group(service.name),
                consumer.handle,
                max_records=service.max_records,
                longest_batch_s=service.longest_batch_s,
                shutdown=shutdown,
            )
        )
    return consumers


async def _check(services: Sequence[StageService], notices: Notices) -> None:
    """Make sure that each service has what its model runs on.

    Raises:
        SystemExit: one has not; its notice says so.
    """
    for service in services:
        try:
            if service.accelerated:
                accelerator.require(AcceleratedSettings().accelerator)
        except GpuUnavailable as error:
            logger.critical("%s does not start: %s %s", service.name, error, error.info.remedy)
            await notices.leave(service.name, error)
            raise SystemExit(1) from None
        await notices.clear(service.name)


async def serve(
    consumers: Sequence[BatchConsumer],
    settings: Settings,
    stack: AsyncExitStack,
    background: Sequence[Coroutine[Any, Any, None]] = (),
    checks: Sequence[Check] = (),
) -> None:
    """Consume until a signal comes, with these coroutines beside it; the consumers drain before this returns.

    Args:
        consumers: all that the service reads.
        settings: where its health is served.
        stack: closes what the service has opened.
        background: run beside the consumers.
        checks: of readiness, besides that the consumers have partitions.

    Raises:
        SystemExit: an consumer or a background coroutine failed in a way that it must not.
    """
    app = FastStream(*(consumer.broker for consumer in consumers), logger=None)
    failed = asyncio.Event()

    def give_up() -> None:
        failed.set()
        app.exit()

    for consumer in consumers:
        consumer.give_up = give_up

    @app.after_startup
    async def watch() -> None:
        for consumer in consumers:
            consumer.watch_polls()
        health = HealthServer(
            settings.metrics_host, settings.metrics_port, lambda: _stuck(consumers), lambda: _unready(consumers, checks)
        )
        stack.callback(health.close)
        logger.info("ready for work; health on port %d", health.port)

    @app.on_shutdown
    async def drain() -> None:
        for consumer in consumers:
            await consumer.drain()

    _tame_garbage_collection()
    tasks = [asyncio.ensure_future(coroutine) for coroutine in background]
    for task in tasks:
        task.add_done_callback(lambda done: _ended(done, give_up))
    try:
        await app.run()
    finally:
        for task in tasks:
            task.cancel()
    if failed.is_set():
        raise SystemExit(1)


def _tame_garbage_collection() -> None:
    """Collect seldom: a consumer makes many short-lived objects, none of which form cycles, and keeps many others."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


def _ended(task: asyncio.Future[None], give_up: Callable[[], None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.critical("a background task died; stopping, so that it is seen", exc_info=error)
        give_up()


def _stuck(consumers: Sequence[BatchConsumer]) -> str | None:
    late = max(consumer.progress.stuck_for for consumer in consumers)
    return f"no progress for {late:.0f} s longer than there may be none" if late else None


def _unready(consumers: Sequence[BatchConsumer], checks: Sequence[Check]) -> str | None:
    if not all(consumer.progress.assigned for consumer in consumers):
        return "no partitions assigned yet"
    return next((problem for check in checks if (problem := check()) is not None), None)
