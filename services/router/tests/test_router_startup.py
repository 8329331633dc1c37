"""A router whose servers come up after it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from medkg_stack.ports import free_port
from medkg_stack.redis import Redis as RedisServer

from .conftest import environment
from .world import PATIENCE_S

pytestmark = pytest.mark.integration


class Starting:
    """A router process and what it says."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What it has logged."""
        return [json.loads(line) for line in self._log.read_text().splitlines()]

    async def waits_for(self, code: str) -> None:
        """Wait until it says that it cannot start for want of this."""
        deadline = monotonic() + PATIENCE_S
        while not any("cannot start yet" in line["message"] and code in line["message"] for line in self.lines):
            assert monotonic() < deadline, self._log.read_text()
            await asyncio.sleep(0.05)


@contextmanager
def starting(tmp_path: Path, settings: dict[str, str]) -> Iterator[Starting]:
    log = tmp_path / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "medkg_router.app"], env={**os.environ, **settings}, stderr=out, stdout=out
        )
    try:
        yield Starting(process, log)
    finally:
        process.kill()
        process.wait()


async def test_a_router_waits_for_its_servers(tmp_path: Path, folder: Path) -> None:
    """It names what is missing, first Redis and then Kafka, without a stack trace; a signal ends it meanwhile."""
    redis_port, kafka_port = free_port(), free_port()
    settings = environment(tmp_path, f"127.0.0.1:{kafka_port}", f"redis://127.0.0.1:{redis_port}/0", folder)
    with starting(tmp_path, settings) as router:
        await router.waits_for("Redis")
        redis = RedisServer(tmp_path / "redis", redis_port)
        redis.start()
        try:
            await router.waits_for("Kafka")
            router.process.send_signal(signal.SIGTERM)
            code = await asyncio.to_thread(router.process.wait, PATIENCE_S)
        finally:
            redis.stop()

        assert 0 == code
        assert [] == [line for line in router.lines if "error" in line or "Unclosed" in line["message"]]
