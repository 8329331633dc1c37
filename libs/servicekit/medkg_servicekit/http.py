"""A service that answers HTTP: replay, search, the gateway. Needs the extra ``medkg-servicekit[http]``."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any, ClassVar, Final

import uvicorn
from medkg_contracts.errors import ConfigurationError
from medkg_contracts.services import Service, ServiceKind
from medkg_contracts.settings import Settings
from starlette.types import ASGIApp

from .health import Check
from .hosting import host
from .workload import Workload

#: Seconds that requests in flight get when the service is asked to stop.
DRAIN_S: Final = 10

#: An event loop that has not come round for so long, in seconds, is stuck.
STUCK_S: Final = 30.0

_BEAT_S: Final = 1.0


@dataclass(frozen=True)
class HttpWork:
    """What a service that answers HTTP does.

    Attributes:
        app: the ASGI application.
        background: runs beside it until the service ends; one that raises ends the service.
        checks: of readiness.
    """

    app: ASGIApp
    background: Sequence[Coroutine[Any, Any, None]] = ()
    checks: Sequence[Check] = ()


@dataclass(frozen=True)
class HttpService(Service):
    """A service that answers HTTP at ``MK_<NAME>_HOST`` and ``MK_<NAME>_PORT``.

    Attributes:
        settings: the settings' class, with ``host`` and ``port``; read from the environment when the service starts.
        work: opens what the service needs, to be closed with the stack, and says what there is to do. It is called
            again while something that it needs is away.
    """

    kind: ClassVar[ServiceKind] = ServiceKind.HTTP

    settings: type[Settings]
    work: Callable[[Any, AsyncExitStack], Awaitable[HttpWork]]

    def run(self) -> None:
        """Run it in this process until SIGTERM or SIGINT; requests in flight then are finished first."""
        host(self.name, self.settings, self._prepare)

    async def _prepare(self, settings: Any, stack: AsyncExitStack) -> Workload:  # noqa: ANN401 - the service's own
        work = await self.work(settings, stack)
        server = HttpServer(work.app, settings.host, settings.port)
        return Workload(background=work.background, server=server, checks=work.checks)


class _Uvicorn(uvicorn.Server):
    """Leaves signals to whoever hosts the service, and says when it answers."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.answers = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.answers.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class HttpServer:
    """Serves an ASGI application.

    Args:
        app: the application.
        host: the address to listen on.
        port: 0 takes a free one; see `port` afterwards.
    """

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        self._host = host
        self.port = port
        config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=DRAIN_S)
        self._uvicorn = _Uvicorn(config)
        self._serving: asyncio.Future[None] | None = None
        self._beating: asyncio.Future[None] | None = None
        self._beat = monotonic()

    async def start(self) -> None:
        """Listen, and answer from now on.

        Raises:
            ConfigurationError: the address cannot be listened on.
        """
        try:
            listening = socket.create_server((self._host, self.port), backlog=2048)
        except OSError as error:
            raise ConfigurationError(
                f"{self._host}:{self.port} cannot be listened on: {error.strerror}",
                remedy="End what listens there, or choose another port for the service.",
            ) from error
        self.port = listening.getsockname()[1]
        self._serving = asyncio.ensure_future(self._uvicorn.serve([listening]))
        answers = asyncio.ensure_future(self._uvicorn.answers.wait())
        await asyncio.wait([self._serving, answers], return_when=asyncio.FIRST_COMPLETED)
        answers.cancel()
        if self._serving.done():
            await self._serving
            raise ConfigurationError("the application did not start; its log says why")
        self._beating = asyncio.ensure_future(self._keep_beating())

    async def stop(self) -> None:
        """Take no more requests, and finish those that are being answered."""
        if self._beating is not None:
            self._beating.cancel()
        if self._serving is not None:
            self._uvicorn.should_exit = True
            await self._serving

    @property
    def problem(self) -> str | None:
        """What keeps it from getting on; None when nothing does."""
        late = monotonic() - self._beat
        return f"its event loop has been blocked for {late:.0f} s" if late > STUCK_S else None

    async def _keep_beating(self) -> None:
        while True:
            self._beat = monotonic()
            await asyncio.sleep(_BEAT_S)
