"""Who does the stages' work, and how much of it."""

from collections.abc import Sequence
from time import time

from medkg_bus.cluster import Cluster
from medkg_contracts import topics
from medkg_contracts.cloudevents import from_record
from medkg_contracts.errors import PoisonRecord
from medkg_contracts.settings import Settings

from .consumer_load import EndedRuns, StageLoad, lags_of, load_of
from .stages import check_stages, known_stages


async def stage_loads(settings: Settings, stages: Sequence[str], length_s: float) -> list[StageLoad]:
    """How each of these stages' work is shared, or all stages'; with the work of the last so many seconds.

    Raises:
        NotFound: there is no such stage.
        KafkaUnavailable: Kafka does not answer.
        LedgerUnavailable: the ledger does not answer.
    """
    if stages:
        await check_stages(settings, stages)
    named = stages or await known_stages(settings)
    async with Cluster(settings.kafka) as cluster:
        done = EndedRuns()
        async for record in cluster.since(topics.EVENTS, round((time() - length_s) * 1000)):
            try:
                done.hear(from_record(record.headers, record.value))
            except PoisonRecord:
                continue  # it is no event, and tells of no work
        return [await _load(cluster, stage, done) for stage in dict.fromkeys(named)]


async def _load(cluster: Cluster, stage: str, done: EndedRuns) -> StageLoad:
    group = topics.group(stage)
    partitions = await cluster.partitions(topics.queue(stage))
    # What is committed comes first: a lag that is too large for a moment says less that is wrong than one below zero.
    committed = await cluster.committed(group)
    lags = lags_of(committed, await cluster.starts(partitions), await cluster.written(partitions))
    return load_of(stage, await cluster.members(group), lags, done)
