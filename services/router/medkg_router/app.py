"""Wires the router."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial

from medkg_artifacts import ArtifactStore
from medkg_bus.consumer import BatchConsumer
from medkg_bus.producer import EventProducer, connected
from medkg_contracts import topics
from medkg_explain import Explainer
from medkg_ledger.store import Ledger
from medkg_servicekit import WorkerService, Workload
from medkg_topology.catalog import Catalog

from . import metrics
from .clockwork import Chore, keep
from .ledger_watch import LedgerWatch
from .outbox_relay import OutboxRelay
from .pins import Pins
from .release import release
from .reload import Reloader
from .rollout import Rollouts
from .settings import RouterSettings
from .shell import Router
from .stalled import StalledJobs
from .timers import LOOK_S, Timers

#: How often the numbers of pending requests are looked up, in seconds.
PENDING_S = 2.0
#: How often the ledger is looked at for the readiness, in seconds.
WATCH_S = 2.0


async def _prepare(settings: RouterSettings, stack: AsyncExitStack) -> Workload:
    store = ArtifactStore.from_url(settings.artifacts_url)
    ledger = Ledger.from_url(settings.redis_url)
    stack.push_async_callback(ledger.close)
    await ledger.open()
    producer = await stack.enter_async_context(connected(settings.kafka, "router", store))
    catalog = Catalog(settings.topologies)
    rollouts = Rollouts(catalog, ledger, producer)
    reloader = Reloader(catalog, ledger, producer, rollouts)
    router = Router(ledger, Pins(catalog, ledger, store, rollouts), store, producer, reloader, rollouts)
    consumer = BatchConsumer(
        settings.kafka,
        await reloader.topics(),
        topics.ROUTER_GROUP,
        router.handle,
        max_records=settings.max_records,
        longest_batch_s=60.0,
        first=[topics.CONTROL],
        new_work=[topics.REQUESTS],
    )
    reloader.follow = consumer.follow
    await reloader.announce()
    explainer = await stack.enter_async_context(Explainer(settings))
    stalled = StalledJobs(ledger, producer, explainer, settings.stalled_s)
    # Explaining takes seconds a job when Kafka is slow, and no timer must wait for it.
    explaining = Chore("stalled jobs", min(30.0, settings.stalled_s), stalled.sweep)
    watch = LedgerWatch(ledger)
    background = [
        keep(_chores(settings, ledger, producer, rollouts)),
        keep([explaining]),
        keep([Chore("ledger", WATCH_S, watch.look)]),
        reloader.watch(),
    ]
    return Workload([consumer], background, checks=[lambda: watch.problem])


def _chores(settings: RouterSettings, ledger: Ledger, producer: EventProducer, rollouts: Rollouts) -> Sequence[Chore]:
    async def count() -> None:
        metrics.pending(await ledger.pending())

    return [
        Chore("timers", LOOK_S, Timers(ledger, producer).fire),
        Chore("outbox", settings.sweep_s, OutboxRelay(ledger, producer).send),
        Chore("release", settings.sweep_s, partial(release, ledger, producer)),
        Chore("rollouts", settings.sweep_s, rollouts.refresh),
        Chore("pending", PENDING_S, count),
    ]


service = WorkerService(
    "router",
    RouterSettings,
    _prepare,
    description="Decides from each event what is published next, by the topology that the job is pinned to",
    image="router",
)

if __name__ == "__main__":
    service.run()
