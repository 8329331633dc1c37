"""How a service begins: patiently, since what it needs may come up later than it does."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from typing import Any, Final, TypeVar, cast

import uvloop
from medkg_contracts.errors import MedkgError
from medkg_contracts.model import first_violation
from medkg_contracts.settings import Settings
from pydantic import ValidationError

from . import logs

logger = logging.getLogger(__name__)

#: The first wait for what a service needs, and the longest, in seconds.
SOONEST_S: Final = 0.5
LATEST_S: Final = 5.0

PreparedT = TypeVar("PreparedT")
SettingsT = TypeVar("SettingsT", bound=Settings)


def run(
    name: str, read_settings: Callable[[], SettingsT], service: Callable[[SettingsT], Coroutine[Any, Any, None]]
) -> None:
    """Run a service until SIGTERM or SIGINT.

    Raises:
        SystemExit: it cannot start, or failed while it ran; the end of its log says why.
    """
    logs.configure(name, "INFO")
    try:
        settings = read_settings()
    except ValidationError as error:
        logger.critical("does not start: a setting is wrong: %s", first_violation(error))
        raise SystemExit(1) from None
    logs.configure(name, settings.log_level)
    with suppress(KeyboardInterrupt, asyncio.CancelledError):
        uvloop.run(_stoppable(service(settings)))


async def _stoppable(service: Coroutine[Any, Any, None]) -> None:
    """Until the service has signal handlers of its own, a signal ends it where it is: nothing is in work then."""
    task = cast("asyncio.Task[None]", asyncio.current_task())
    # Without a handler the first process of a container would not be ended by SIGTERM.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        await service
    except MedkgError as error:
        logger.critical("does not start: %s %s", error, error.info.remedy)
        raise SystemExit(1) from None


async def prepared(prepare: Callable[[AsyncExitStack], Awaitable[PreparedT]], stack: AsyncExitStack) -> PreparedT:
    """What `prepare` makes, which is called until all that it needs is there.

    Args:
        prepare: opens what a service needs, to be closed with the stack that it is given.
        stack: takes over what the attempt that succeeds has opened; other attempts are closed at once.

    Raises:
        MedkgError: one that another attempt would not mend.
    """
    wait = SOONEST_S
    while True:
        async with AsyncExitStack() as attempt:
            try:
                ready = await prepare(attempt)
            except MedkgError as error:
                if not error.retryable:
                    raise
                logger.warning("cannot start yet, trying again in %.1f s: %s %s", wait, error, error.info.remedy)
            else:
                stack.push_async_callback(attempt.pop_all().aclose)
                return ready
        await asyncio.sleep(wait)
        wait = min(wait * 2, LATEST_S)
