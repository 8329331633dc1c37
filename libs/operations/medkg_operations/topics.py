"""The topics that the AsyncAPI documents and the topologies need: which they are, and how Kafka has them."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from medkg_bus.admin import Admin, TopicState
from medkg_contracts import asyncapi
from medkg_contracts.asyncapi import TopicSpec
from medkg_contracts.errors import ConfigurationError
from medkg_contracts.settings import Settings
from medkg_topology.catalog import Catalog
from medkg_topology.changes import Refused
from medkg_topology.plan import GateNode, StageNode

#: So many topics are named in a message.
SOME: Final = 3


@dataclass(frozen=True, slots=True)
class Provisioned:
    """What provisioning did.

    Attributes:
        topics: all that are needed.
        created: the names of those that were missing.
        altered: the names of those that existed with another `ENFORCED` setting.
    """

    topics: Sequence[TopicSpec]
    created: Sequence[str]
    altered: Sequence[str]


def wanted_topics(documents: Path, topologies: Path, report: Callable[[str], None]) -> list[TopicSpec]:
    """The topics that the documents and the folder of topologies need.

    A stage with a document has its topics also where no topology uses it: its service waits for work there.

    Args:
        documents: the folder with the AsyncAPI documents.
        topologies: the folder with the topologies.
        report: is told of a topology that is refused, for which no topics are made.

    Raises:
        ConfigurationError: the documents or the folder cannot be read.
    """
    if not documents.is_dir():
        raise ConfigurationError(
            f"MK_ASYNCAPI: there is no folder {documents.absolute()}",
            remedy="Run medkg where the folder asyncapi/ is, or set MK_ASYNCAPI to it.",
        )
    stages, gates = _nodes(topologies, report)
    return asyncapi.topics(documents, stages | asyncapi.stages(documents), gates)


def fitted(spec: TopicSpec, brokers: int) -> TopicSpec:
    """The topic as so many brokers can keep it: no more copies than brokers, and one of them may be missing."""
    replicas = min(spec.replicas, brokers)
    return replace(spec, replicas=replicas, config={**spec.config, "min.insync.replicas": str(max(1, replicas - 1))})


def state_of(spec: TopicSpec, found: Mapping[str, TopicState]) -> str:
    """How Kafka has the topic, in a word or two."""
    state = found.get(spec.name)
    if state is None:
        return "missing"
    if state.partitions != spec.partitions:
        return f"has {state.partitions} partitions, needs {spec.partitions}"
    return "ok" if state.led else "no leader"


def check_partitions(specs: Sequence[TopicSpec], found: Mapping[str, TopicState]) -> None:
    """Refuse topics with another number of partitions.

    Raises:
        ConfigurationError: there are such.
    """
    wrong: dict[str, list[str]] = {}
    for spec in specs:
        if spec.name in found and found[spec.name].partitions != spec.partitions:
            wrong.setdefault(state_of(spec, found), []).append(spec.name)
    if wrong:
        cut = "; ".join(f"{_some(names)} {state}" for state, names in wrong.items())
        raise ConfigurationError(
            f"topics that exist are cut otherwise than the AsyncAPI documents say: {cut}",
            remedy="All topics need the same number of partitions, or the router does not see a job's events together. "
            "Delete these when they are drained (a local stack: `medkg down --wipe`), or change common/bindings.yaml.",
        )


def _some(names: Sequence[str]) -> str:
    """Some of the names, and how many there are."""
    return ", ".join(names) if len(names) <= SOME else f"{', '.join(names[:SOME])} and {len(names) - SOME} more, each"


async def provision_topics(settings: Settings, documents: Path, report: Callable[[str], None]) -> Provisioned:
    """Create the missing topics, let Kafka date the records of all, and wait for their leaders.

    Args:
        settings: where Kafka and the topologies are.
        documents: the folder with the AsyncAPI documents.
        report: is told of a topology that is refused, for which no topics are made.

    Raises:
        KafkaUnavailable: Kafka did not answer, or gave no leaders in time.
        ConfigurationError: existing topics have another number of partitions, or Kafka refused a change.
    """
    async with Admin(settings.kafka) as admin:
        brokers = await admin.brokers()
        specs = [fitted(spec, brokers) for spec in wanted_topics(documents, settings.topologies, report)]
        found = await admin.describe()
        check_partitions(specs, found)
        missing = [spec for spec in specs if spec.name not in found]
        await admin.create(missing)
        altered = await admin.enforce([spec for spec in specs if spec.name in found])
        while unled := _unled(specs, found := await admin.describe()):
            admin.waiting_for = ", ".join(unled[:5])
            await asyncio.sleep(0.2)
        check_partitions(specs, found)  # again: somebody may have created one meanwhile, cut otherwise
    return Provisioned(specs, [spec.name for spec in missing], altered)


def _unled(specs: Sequence[TopicSpec], found: Mapping[str, TopicState]) -> list[str]:
    return [spec.name for spec in specs if spec.name not in found or not found[spec.name].led]


async def describe_topics(settings: Settings) -> dict[str, TopicState]:
    """All topics that Kafka has.

    Raises:
        KafkaUnavailable: Kafka does not answer.
    """
    async with Admin(settings.kafka) as admin:
        return await admin.describe()


def _nodes(folder: Path, report: Callable[[str], None]) -> tuple[set[str], set[str]]:
    """The stage services and the gates' topics of a folder of topologies."""
    catalog = Catalog(folder)
    for status in catalog.status():
        if isinstance(status, Refused):
            report(f"no topics are made for a refused file: {status.error}")
    if not catalog.plans:
        raise ConfigurationError(
            f"MK_TOPOLOGIES: {folder.absolute()} has no topology", remedy="Set MK_TOPOLOGIES to the folder that has."
        )
    nodes = [node for plan in catalog.plans.values() for node in plan.nodes]
    stages = {node.service for node in nodes if isinstance(node, StageNode)}
    gates = {
        topic
        for node in nodes
        if isinstance(node, GateNode)
        for topic in (node.event_topic, node.request_topic)
        if topic
    }
    return stages, gates
