"""The benchmark's topics: the product's own, by its own provisioning, and the relay's after their pattern."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from medkg_contracts.asyncapi import TopicSpec
from medkg_contracts.settings import Settings
from medkg_operations.topics import provision_topics

#: What the relay's topics begin with; behind it they are named, and configured, as the product's.
RELAYED: Final = "relay."

ASYNCAPI: Final = Path(__file__).parents[2] / "asyncapi"


async def provision(bootstrap: str, topologies: Iterable[Path]) -> int:
    """Create the topics of these folders of topologies, and the same again for the relay.

    Returns:
        How many partitions each topic has.
    """
    wanted: dict[str, TopicSpec] = {}
    for folder in topologies:
        settings = Settings(kafka=bootstrap, topologies=folder)
        specs = (await provision_topics(settings, ASYNCAPI, print)).topics
        wanted |= {spec.name: spec for spec in specs}
    await _create(bootstrap, [replace(spec, name=RELAYED + spec.name) for spec in wanted.values()])
    (partitions,) = {spec.partitions for spec in wanted.values()}
    return partitions


async def _create(bootstrap: str, wanted: Iterable[TopicSpec]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics(
            [NewTopic(spec.name, spec.partitions, spec.replicas, topic_configs=dict(spec.config)) for spec in wanted]
        )
    finally:
        await admin.close()
