"""How a process hosts a service: from its first log line to its last commit."""

import asyncio
import gc
import logging
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, TypeVar

from medkg_bus.consumer import BatchConsumer
from medkg_contracts.settings import Settings

from . import startup
from .health import HealthServer
from .workload import Workload

logger = logging.getLogger(__name__)

SettingsT = TypeVar("SettingsT", bound=Settings)

#: Opens what a service needs, to be closed with the stack, and says what there is to do; it may be called repeatedly.
Prepare = Callable[[SettingsT, AsyncExitStack], Awaitable[Workload]]


def host(name: str, settings: Callable[[], SettingsT], prepare: Prepare[SettingsT]) -> None:
    """Run a service in this process until SIGTERM or SIGINT; what is in work then is finished first.

    Args:
        name: the service's.
        settings: reads its settings from the environment.
        prepare: opens what it needs.

    Raises:
        SystemExit: it cannot start, or failed while it ran; the end of its log says why.
    """
    startup.run(name, settings, partial(_host, prepare))


async def _host(prepare: Prepare[SettingsT], settings: SettingsT) -> None:
    async with AsyncExitStack() as stack:
        workload = await startup.prepared(partial(prepare, settings), stack)
        if await _Hosting(workload, settings).until_ended():
            raise SystemExit(1)


class _Hosting:
    """One service at work."""

    def __init__(self, workload: Workload, settings: Settings) -> None:
        self._workload = workload
        self._settings = settings
        self._end = asyncio.Event()
        self._failed = False

    async def until_ended(self) -> bool:
        """Work until a signal comes; the consumers drain before this returns whether anything has failed."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end.set)
        async with AsyncExitStack() as started:
            await self._start(started)
            _tame_garbage_collection()
            await self._end.wait()
        return self._failed

    async def _start(self, started: AsyncExitStack) -> None:
        """Start all that the service does; what ends last is started first."""
        tasks = [asyncio.ensure_future(coroutine) for coroutine in self._workload.background]
        for task in tasks:
            task.add_done_callback(self._background_ended)
            started.callback(task.cancel)
        for consumer in self._workload.consumers:
            consumer.give_up = self._give_up
            started.push_async_callback(consumer.stop)
            await consumer.start()
        # All at once are told that the end has come, before the first is waited for.
        started.push_async_callback(_drain, self._workload.consumers)
        if self._workload.server is not None:
            started.push_async_callback(self._workload.server.stop)
            await self._workload.server.start()
        health = HealthServer(self._settings.metrics_host, self._settings.metrics_port, self._stuck, self._unready)
        started.callback(health.close)
        logger.info("ready for work; health on port %d", health.port)

    def _give_up(self) -> None:
        self._failed = True
        self._end.set()

    def _background_ended(self, task: asyncio.Future[Any]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.critical("a background task died; stopping, so that it is seen", exc_info=error)
            self._give_up()

    def _stuck(self) -> str | None:
        late = max((consumer.progress.stuck_for for consumer in self._workload.consumers), default=0.0)
        if late:
            return f"no progress for {late:.0f} s longer than there may be none"
        return None if self._workload.server is None else self._workload.server.problem

    def _unready(self) -> str | None:
        if not all(consumer.progress.assigned for consumer in self._workload.consumers):
            return "no partitions assigned yet"
        return next((problem for check in self._workload.checks if (problem := check()) is not None), None)


async def _drain(consumers: Sequence[BatchConsumer]) -> None:
    for consumer in consumers:
        await consumer.drain()


def _tame_garbage_collection() -> None:
    """Collect seldom: a consumer makes many short-lived objects, none of which form cycles, and keeps many others."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)
