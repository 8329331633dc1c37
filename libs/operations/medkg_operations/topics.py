"""The topics that the AsyncAPI documents and the topologies need: which they are, and how Kafka has them."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code
from medkg_contracts import asyncapi
from medkg_contracts.asyncapi import TopicSpec
from medkg_contracts.errors import ConfigurationError, KafkaUnavailable
from medkg_contracts.settings import Settings
from medkg_topology.catalog import Catalog
from medkg_topology.changes import Refused
from medkg_topology.plan import GateNode, StageNode

#: How long creating all topics may take, and until they have leaders, in seconds.
LIMIT_S: Final = 60.0

#: So many topics are named in a message.
SOME: Final = 3

#: What a topic that exists is made to have too: guarantees rest on it, and no operator has a reason to choose it.
ENFORCED: Final = "message.timestamp.type"

#: Kafka's mark of a setting that was made for the topic itself.
_OF_TOPIC: Final = 1


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic as Kafka has it.

    Attributes:
        leaders: how many of its partitions have a leader.
    """

    partitions: int
    replicas: int
    leaders: int

    @property
    def led(self) -> bool:
        """Whether every partition has a leader."""
        return self.leaders == self.partitions


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
    async with _Admin(settings.kafka) as admin:
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
    async with _Admin(settings.kafka) as admin:
        return await admin.describe()


class _Admin:
    """The cluster's administration. Within the context, what Kafka does not do is KafkaUnavailable."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._client = AIOKafkaAdminClient(
            bootstrap_servers=bootstrap, client_id="medkg-cli", request_timeout_ms=15_000
        )
        self._limit = asyncio.timeout(LIMIT_S)
        self.waiting_for = ""

    async def __aenter__(self) -> Self:
        await self._limit.__aenter__()
        try:
            await self._client.start()
        except (KafkaError, OSError) as error:
            raise KafkaUnavailable(f"Kafka at {self._bootstrap}: {error!r}") from error
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        await self._client.close()
        try:
            await self._limit.__aexit__(kind, error, None)
        except TimeoutError as timeout:
            waited = f" for leaders of {self.waiting_for}" if self.waiting_for else ""
            raise KafkaUnavailable(f"Kafka at {self._bootstrap}: waited {LIMIT_S:g} s{waited}") from timeout
        if isinstance(error, KafkaError | OSError):
            raise KafkaUnavailable(f"Kafka at {self._bootstrap}: {error!r}") from error

    async def brokers(self) -> int:
        """How many brokers the cluster has now."""
        return len((await self._client.describe_cluster())["brokers"])

    async def describe(self) -> dict[str, TopicState]:
        """All topics."""
        return {
            topic["topic"]: TopicState(
                partitions=len(topic["partitions"]),
                replicas=max((len(partition["replicas"]) for partition in topic["partitions"]), default=0),
                leaders=sum(partition["leader"] >= 0 for partition in topic["partitions"]),
            )
            for topic in await self._client.describe_topics()
        }

    async def create(self, specs: Sequence[TopicSpec]) -> None:
        """Create these; one that somebody else has created meanwhile is fine."""
        if not specs:
            return
        answer = await self._client.create_topics(
            [NewTopic(spec.name, spec.partitions, spec.replicas, topic_configs=dict(spec.config)) for spec in specs]
        )
        for name, code, *rest in answer.topic_errors:
            kind = for_code(code)
            if code and kind is not TopicAlreadyExistsError:
                raise ConfigurationError(f"Kafka refused to create {name}: {kind.__name__} {rest[0] if rest else ''}")

    async def enforce(self, specs: Sequence[TopicSpec]) -> list[str]:
        """Give these topics the setting that guarantees rest on; the names of those that had another."""
        wanted = {spec.name: spec.config[ENFORCED] for spec in specs if ENFORCED in spec.config}
        if not wanted:
            return []
        answers = await self._client.describe_configs([_resource(name, None) for name in wanted])
        changed: dict[str, dict[str, str]] = {}
        for _, _, _, name, entries in (resource for answer in answers for resource in answer.resources):
            present = {key: value for key, value, *_ in entries}
            if present.get(ENFORCED) != wanted[name]:
                # Kafka takes all of a topic's own settings at once: what is left out would be the default again.
                own = {key: value for key, value, _, source, *_ in entries if source == _OF_TOPIC}
                changed[name] = own | {ENFORCED: wanted[name]}
        if not changed:
            return []
        for answer in await self._client.alter_configs([_resource(name, own) for name, own in changed.items()]):
            for code, message, _, name in answer.resources:
                if code:
                    raise ConfigurationError(
                        f"Kafka refused to alter {name}: {for_code(code).__name__} {message or ''}"
                    )
        return list(changed)


def _resource(name: str, settings: Mapping[str, str] | None) -> ConfigResource:
    return ConfigResource(ConfigResourceType.TOPIC, name, settings)


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
