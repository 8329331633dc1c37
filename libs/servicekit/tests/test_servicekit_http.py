"""A service that answers HTTP runs what it declares."""

import asyncio
from contextlib import AsyncExitStack

from medkg_contracts.settings import Settings
from medkg_servicekit import Workload
from medkg_servicekit.http import HttpService, HttpWork
from starlette.applications import Starlette


class HttpSettings(Settings):
    """Where the service listens."""

    host: str = "127.0.0.1"
    port: int = 0


async def prepared(work: HttpWork) -> Workload:
    async def make(_settings: HttpSettings, _stack: AsyncExitStack) -> HttpWork:
        return work

    async with AsyncExitStack() as stack:
        return await HttpService("hello", HttpSettings, make)._prepare(HttpSettings(), stack)


async def test_what_a_service_does_beside_answering_is_part_of_its_work() -> None:
    """Its background work and its checks reach the host, beside the server."""

    async def forever() -> None:
        await asyncio.Event().wait()

    beside = forever()
    workload = await prepared(HttpWork(Starlette(), background=[beside], checks=[lambda: "starting"]))
    beside.close()

    assert ([beside], ["starting"]) == (list(workload.background), [check() for check in workload.checks])
    assert workload.server is not None
