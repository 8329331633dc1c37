"""Wires the router."""

import asyncio
from contextlib import AsyncExitStack, suppress

import uvloop
from medkg_artifacts import ArtifactStore
from medkg_contracts import topics
from medkg_ledger import Ledger
from medkg_stagekit import logs
from medkg_stagekit.kafka import Inlet, Outlet, producer
from medkg_stagekit.service import serve
from medkg_topology.catalog import Catalog

from .pins import Pins
from .reload import Reloader
from .settings import RouterSettings
from .shell import Router
from .timers import Clockwork


async def route(settings: RouterSettings) -> None:
    """Run the router until SIGTERM or SIGINT."""
    async with AsyncExitStack() as stack:
        store = ArtifactStore.from_url(settings.artifacts_url)
        ledger = Ledger.from_url(settings.redis_url)
        stack.push_async_callback(ledger.close)
        await ledger.ping()
        catalog = Catalog(settings.topologies)
        client = producer(settings.kafka, "router")
        outlet = Outlet(client, store)
        reloader = Reloader(catalog, ledger, outlet)
        router = Router(ledger, Pins(catalog, ledger, store), store, outlet, reloader)
        inlet = Inlet(
            settings.kafka,
            await reloader.topics(),
            topics.ROUTER_GROUP,
            router.handle,
            max_records=settings.max_records,
            longest_batch_s=60.0,
            new_work=[topics.REQUESTS],
        )
        reloader.follow = inlet.follow
        await client.start()
        stack.push_async_callback(client.stop)
        await reloader.announce()
        background = [Clockwork(ledger, outlet, settings.sweep_s).run(), reloader.watch()]
        await serve([inlet], settings.metrics_port, stack, background)


if __name__ == "__main__":
    router_settings = RouterSettings()
    logs.configure("router", router_settings.log_level)
    with suppress(KeyboardInterrupt, asyncio.CancelledError):
        uvloop.run(route(router_settings))
