from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import httpx
import medkg_replay
import pytest
from medkg_replay.faults import parse_faults
from medkg_replay.recordings import Recordings, load_recordings
from medkg_replay.server import create_app

RECORDED = Path(medkg_replay.__file__).parent / "recordings"

Client = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture(scope="session")
def recordings() -> Recordings:
    return load_recordings(RECORDED)


@pytest.fixture
def client(recordings: Recordings) -> Client:
    @asynccontextmanager
    async def connect(faults: str = "") -> AsyncIterator[httpx.AsyncClient]:
        app = create_app(recordings, parse_faults(faults))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://replay") as http:
            yield http

    return connect
