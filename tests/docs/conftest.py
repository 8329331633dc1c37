"""What the guides' steps need: a copy of the topologies, and a source over real HTTP."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import medkg_replay
import pytest
import uvicorn
from medkg_replay.recordings import load_recordings
from medkg_replay.server import create_app

from .blocks import REPOSITORY


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which a guide's files are written, a checkout with the shipped topologies; the current folder."""
    shutil.copytree(REPOSITORY / "topologies", tmp_path / "topologies")
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    (tmp_path / "services").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MK_TOPOLOGIES", "topologies")
    return tmp_path


@pytest.fixture
async def source(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """The replay server, as the source that ingest asks."""
    recordings = load_recordings(Path(medkg_replay.__file__).parent / "recordings")
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        server = uvicorn.Server(uvicorn.Config(create_app(recordings), log_level="critical", lifespan="off"))
        task = asyncio.create_task(server.serve(sockets=[listening]))
        monkeypatch.setenv("MK_CTGOV_URL", f"http://127.0.0.1:{listening.getsockname()[1]}")
        monkeypatch.setenv("MK_CTGOV_RATE", "100000")
        yield
        server.should_exit = True
        await task
