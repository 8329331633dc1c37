"""The faults, each a row of the table.

A fault's `inject` returns the moment from which recovery counts: that of the fault, or, where it lasts, its end.
A supervisor starts again at once what has died.
"""

import asyncio
import random
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

from medkg_artifacts import SYSTEM_TENANT
from medkg_bus.cluster import Cluster
from medkg_contracts import topics
from medkg_contracts.cloudevents import CloudEvent
from medkg_contracts.kinds import Kind
from medkg_contracts.orders import Order, ScopeOrder
from medkg_operations.control import order_event
from medkg_operations.requests import publish

from tests.shipped import PIPELINE

from .load import Load
from .relay import Relay
from .rig import Rig

#: How soon completed jobs must flow again, in seconds.
PROCESS_KILL_S = 15.0
BROKER_KILL_S = 30.0

#: Longer than a consumer's session (8 s): the group has given its partitions to another one meanwhile.
HANG_S = 15.0
DOWN_S = 30.0
PAUSED_S = 10.0
#: Of each answer, and of each statement: a document takes a dozen of them.
SLOW_S = 0.3

#: Jobs whose chunks are given vectors.
VECTORS_IN_FLIGHT = 8

_RESENT_A_PARTITION = 300
_FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong.

    Attributes:
        inject: do it, under load.
        target_s: how soon completed jobs must flow again.
        short: whether it is part of the short form.
        scene: what it needs to be set up before the load begins, and taken down behind it.
        impossible: why it cannot be done on this machine, or None.
        topology: that the jobs take; None for their source's own.
        in_flight: so many of them at least; None for as many as the form has.
    """

    name: str
    inject: Callable[[Rig, Load], Awaitable[float]]
    target_s: float | None = None
    short: bool = False
    scene: Callable[[Rig], AbstractAsyncContextManager[None]] = lambda _: nullcontext()
    impossible: Callable[[Rig], str | None] = lambda _: None
    topology: str | None = None
    in_flight: int | None = None


async def kill(service: str, rig: Rig, _: Load) -> float:
    """SIGKILL; the supervisor starts it again."""
    since = monotonic()
    await asyncio.to_thread(rig.services.kill, service, 1)
    await asyncio.to_thread(rig.product.start)
    return since


async def hang(service: str, rig: Rig, _: Load) -> float:
    """SIGSTOP for longer than its session, then SIGCONT: a zombie that believes it still owns its partitions."""
    await asyncio.to_thread(rig.services.suspend, service, 1)
    try:
        await asyncio.sleep(HANG_S)
    finally:
        await asyncio.to_thread(rig.services.resume, service, 1)
    return monotonic()


async def kill_leader(rig: Rig, _: Load) -> float:
    """SIGKILL of the broker that leads a partition in the middle of the pipeline."""
    node = await rig.leader(topics.queue("chunk"))
    since = monotonic()
    await asyncio.to_thread(node.kill)
    await asyncio.to_thread(node.start)
    return since


async def roll_brokers(rig: Rig, _: Load) -> float:
    """Restart each broker in good order, the next one when all copies are in sync again."""
    since = monotonic()
    for node in rig.product.servers.kafka.nodes:
        await rig.replicated()
        since = monotonic()
        await asyncio.to_thread(node.stop)
        await asyncio.to_thread(node.start)
    return since


async def kill_redis(rig: Rig, _: Load) -> float:
    """SIGKILL; the supervisor starts it again on its append-only file."""
    since = monotonic()
    await asyncio.to_thread(rig.product.kill, "redis")
    await asyncio.to_thread(rig.product.start, "redis")
    return since


async def wipe_redis(rig: Rig, _: Load) -> float:
    """SIGKILL and nothing left of its data; then what the runbook says: stop the router, rebuild, start it."""

    def wipe() -> float:
        rig.product.servers.redis.wipe()
        rig.product.servers.redis.start()
        rig.services.stop(["router"])
        rig.medkg("ledger", "rebuild", "--wipe", "--yes")
        since = monotonic()
        rig.product.start()
        return since

    return await asyncio.to_thread(wipe)


async def lose_opensearch(rig: Rig, _: Load) -> float:
    """SIGKILL, and back after a while."""
    await asyncio.to_thread(rig.product.servers.opensearch.kill)
    await asyncio.sleep(DOWN_S)
    await asyncio.to_thread(rig.product.servers.opensearch.start)
    return monotonic()


async def kill_neo4j(rig: Rig, _: Load) -> float:
    """SIGKILL; the supervisor starts it again on its data."""
    since = monotonic()
    await asyncio.to_thread(rig.product.kill, "neo4j")
    await asyncio.to_thread(rig.product.start, "neo4j")
    return since


async def cut_off_neo4j(rig: Rig, _: Load) -> float:
    """All connections of kg are closed for a while, and so is each new one."""
    rig.neo4j.cut()
    await asyncio.sleep(DOWN_S)
    rig.neo4j.mend()
    return monotonic()


async def silence_neo4j(rig: Rig, _: Load) -> float:
    """What kg sends is taken and not answered, for longer than it waits."""
    rig.neo4j.silence()
    await asyncio.sleep(DOWN_S)
    rig.neo4j.mend()
    return monotonic()


async def slow_neo4j(rig: Rig, _: Load) -> float:
    """What kg sends, and what is answered, takes its time for a while."""
    rig.neo4j.delay_s = SLOW_S
    await asyncio.sleep(DOWN_S)
    rig.neo4j.delay_s = 0.0
    return monotonic()


async def restart_search(rig: Rig, _: Load) -> float:
    """The search node ends in good order, begins from its snapshot, reads on, and is killed."""

    def restart() -> float:
        rig.product.stop("search")
        rig.product.start("search")
        since = monotonic()
        rig.product.kill("search")
        rig.product.start("search")
        return since

    return await asyncio.to_thread(restart)


async def wipe_search(rig: Rig, _: Load) -> float:
    """The search node ends, and all that it kept on a disk is gone when it starts again."""

    def wipe() -> float:
        rig.product.stop("search")
        since = monotonic()
        shutil.rmtree(rig.product.servers.root / "artifacts" / SYSTEM_TENANT)
        rig.product.start("search")
        return since

    return await asyncio.to_thread(wipe)


async def resend(rig: Rig, load: Load) -> float:
    """Send the latest requests, work records and results once more, all mixed, and then again in another order."""
    dice = random.Random(4)  # noqa: S311 - an order, no secret
    wanted = [topics.REQUESTS, *map(topics.queue, PIPELINE), *map(topics.done, PIPELINE)]
    async with Cluster(rig.product.kafka) as cluster:
        ends = await cluster.ends(await cluster.partitions(*wanted))
        found = [record async for record in cluster.records(ends, last=_RESENT_A_PARTITION)]
    records = [record for record in found if (record.key or b"").decode() in load.sent]
    for _ in range(2):
        dice.shuffle(records)
        await asyncio.to_thread(rig.product.put, records)
    return monotonic()


async def fill_disk(rig: Rig, _: Load) -> float:
    """No byte free in the artifact store for a while."""
    await asyncio.to_thread(rig.disk.fill, DOWN_S)
    await asyncio.to_thread(rig.disk.free)
    return monotonic()


async def skew(hours: dict[str, int], rig: Rig, _: Load) -> float:
    """Restart services with clocks that are hours off."""

    def restart() -> None:
        rig.services.stop(list(hours))
        for service, off in hours.items():
            rig.dressed(_faked(off)).start([service])

    await asyncio.to_thread(restart)
    return monotonic()


async def cancel(rig: Rig, load: Load) -> float:
    """Cancel every third job in flight."""
    jobs = load.running[::3]
    load.withdrawn |= set(jobs)
    await send(rig, [_order(Kind.CONTROL_CANCEL, Order(), job) for job in jobs])
    return monotonic()


async def pause(order: ScopeOrder, rig: Rig, _: Load) -> float:
    """Pause for a while, then resume."""
    await send(rig, [_order(Kind.CONTROL_PAUSE, order, order.subject)])
    await asyncio.sleep(PAUSED_S)
    await send(rig, [_order(Kind.CONTROL_RESUME, order, order.subject)])
    return monotonic()


@asynccontextmanager
async def two_of(service: str, rig: Rig) -> AsyncIterator[None]:
    """A second replica that can take over."""
    await asyncio.to_thread(rig.services.scale, service, 2)
    try:
        yield
    finally:
        await asyncio.to_thread(rig.services.scale, service, 1)


@asynccontextmanager
async def kg_through_relay(rig: Rig) -> AsyncIterator[None]:
    """Kg reaches Neo4j through a relay, and directly again afterwards."""
    address = urlsplit(rig.product.settings.neo4j_url)
    async with Relay(address.hostname or "", address.port or 0) as relay:
        rig.neo4j = relay
        through = rig.dressed({"MK_NEO4J_URL": f"bolt://127.0.0.1:{relay.port}"})
        await asyncio.to_thread(rig.services.stop, ["kg"])
        await asyncio.to_thread(through.start, ["kg"])
        try:
            yield
        finally:
            relay.mend()
            await asyncio.to_thread(rig.services.stop, ["kg"])
            await asyncio.to_thread(rig.product.start, "kg")


@asynccontextmanager
async def true_clocks_after(services: dict[str, int], rig: Rig) -> AsyncIterator[None]:
    """Whatever clocks these services get, they have the machine's own again afterwards."""
    try:
        yield
    finally:
        await asyncio.to_thread(rig.services.stop, list(services))
        await asyncio.to_thread(rig.product.start)


async def send(rig: Rig, orders: Sequence[CloudEvent]) -> None:
    """Give orders, and wait for nobody to obey them."""
    await publish(rig.product.settings, orders, topics.CONTROL)


def _order(kind: Kind, order: Order, about: str) -> CloudEvent:
    return order_event(kind, about, order, source="/tests/chaos")


def _faked(hours: int) -> dict[str, str]:
    return {"LD_PRELOAD": str(_FAKETIME), "FAKETIME": f"{hours:+d}h", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def _no_faketime(_: Rig) -> str | None:
    return None if _FAKETIME else "libfaketime is not installed (apt-get install libfaketime)"


def _no_mount(rig: Rig) -> str | None:
    return None if rig.disk.mounted else "a file system cannot be mounted here (needs CAP_SYS_ADMIN)"


def _kills() -> list[Fault]:
    short = {"router", "chunk"}
    at_work = ("replay", "router", *PIPELINE)  # another service's end would change nothing for the trials' jobs
    return [Fault(f"SIGKILL {name}", partial(kill, name), PROCESS_KILL_S, name in short) for name in at_work]


def _hangs() -> list[Fault]:
    alone = [Fault("SIGSTOP replay", partial(hang, "replay"), PROCESS_KILL_S)]
    return alone + [
        Fault(f"SIGSTOP {name}", partial(hang, name), PROCESS_KILL_S, name == "index", partial(two_of, name))
        for name in ("router", *PIPELINE)
    ]


def _on_vectors() -> list[Fault]:
    """Two models read each chunk, and are slow: a few jobs in flight keep them as busy as hundreds do the others."""
    faults: dict[str, Callable[[Rig, Load], Awaitable[float]]] = {
        "SIGKILL index": partial(kill, "index"),
        "search restarted, then SIGKILL": restart_search,
        "search's disk wiped": wipe_search,
        "OpenSearch down 30 s": lose_opensearch,
    }
    return [
        Fault(f"vectors: {name}", inject, topology="auto", in_flight=VECTORS_IN_FLIGHT)
        for name, inject in faults.items()
    ]


def _on_graph() -> list[Fault]:
    """The graph is written at the end of the longest topology, beside the models."""
    relayed = {
        "Neo4j cut off 30 s": cut_off_neo4j,
        "Neo4j silent 30 s": silence_neo4j,
        "Neo4j slow 30 s": slow_neo4j,
    }
    direct = [
        Fault("graph: SIGKILL kg", partial(kill, "kg")),
        Fault("graph: SIGSTOP kg", partial(hang, "kg"), scene=partial(two_of, "kg")),
        Fault("graph: Neo4j killed", kill_neo4j, short=True),
    ]
    through = [Fault(f"graph: {name}", inject, scene=kg_through_relay) for name, inject in relayed.items()]
    return [replace(fault, topology="auto", in_flight=VECTORS_IN_FLIGHT) for fault in (*direct, *through)]


def _skew(name: str, hours: dict[str, int]) -> Fault:
    return Fault(name, partial(skew, hours), None, scene=partial(true_clocks_after, hours), impossible=_no_faketime)


FAULTS = [
    *_kills(),
    *_hangs(),
    Fault("broker killed (leader)", kill_leader, BROKER_KILL_S, short=True),
    Fault("brokers restarted in turn", roll_brokers, BROKER_KILL_S),
    Fault("Redis killed", kill_redis, PROCESS_KILL_S),
    Fault("Redis wiped and rebuilt", wipe_redis, PROCESS_KILL_S, short=True),
    Fault("OpenSearch down 30 s", lose_opensearch, PROCESS_KILL_S),
    Fault("records repeated and reordered", resend, PROCESS_KILL_S, short=True),
    Fault("artifact disk full 30 s", fill_disk, PROCESS_KILL_S, impossible=_no_mount),
    Fault("every third job cancelled", cancel, PROCESS_KILL_S),
    Fault("chunk paused 10 s", partial(pause, ScopeOrder(scope="stage", name="chunk")), PROCESS_KILL_S),
    *_on_vectors(),
    *_on_graph(),
    _skew("clocks: router +1 h, parse -1 h", {"router": 1, "parse": -1}),
    _skew("clocks: router -1 h, index +1 h", {"router": -1, "index": 1}),
]
