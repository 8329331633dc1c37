"""Sources over real HTTP: the replay server, or an application that misbehaves, on a free port."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import medkg_replay
import pytest
import uvicorn
from medkg_ingest.ctgov import CtgovSource
from medkg_ingest.settings import IngestSettings
from medkg_replay.faults import parse_faults
from medkg_replay.recordings import Recordings, load_recordings
from medkg_replay.server import create_app
from starlette.types import ASGIApp


@pytest.fixture(scope="session")
def recordings() -> Recordings:
    return load_recordings(Path(medkg_replay.__file__).parent / "recordings")


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[str]:
    """The application's base URL while it is served."""
    # asyncio disables Nagle's algorithm only on sockets that name their protocol; with it each answer takes 40 ms.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
        task = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as open_things:
        yield open_things


@pytest.fixture
def settings_of() -> Callable[..., IngestSettings]:
    """Settings for a base URL: fast, and without tries in place unless a test wants them."""

    def make(url: str, **more: object) -> IngestSettings:
        values = {"MK_CTGOV_RATE": 100_000, "MK_INGEST_RETRY_WAIT_S": 0, "MK_CTGOV_URL": url, **more}
        return IngestSettings.model_validate(values)

    return make


@pytest.fixture
def replay_url(stack: AsyncExitStack, recordings: Recordings) -> Callable[..., Awaitable[str]]:
    """Starts a replay server with the faults that are given; its base URL."""

    async def start(faults: str = "") -> str:
        return await stack.enter_async_context(serving(create_app(recordings, parse_faults(faults))))

    return start


@pytest.fixture
def replayed(
    stack: AsyncExitStack, replay_url: Callable[..., Awaitable[str]], settings_of: Callable[..., IngestSettings]
) -> Callable[..., Awaitable[CtgovSource]]:
    """An open adapter to a replay server with the faults that are given."""

    async def start(faults: str = "", **more: object) -> CtgovSource:
        url = await replay_url(faults)
        return await stack.enter_async_context(CtgovSource(settings_of(url, **more)))

    return start


@pytest.fixture
def adapted(stack: AsyncExitStack, settings_of: Callable[..., IngestSettings]) -> Callable[..., Awaitable[CtgovSource]]:
    """An open adapter to any application."""

    async def start(app: ASGIApp, **more: object) -> CtgovSource:
        url = await stack.enter_async_context(serving(app))
        return await stack.enter_async_context(CtgovSource(settings_of(url, **more)))

    return start
