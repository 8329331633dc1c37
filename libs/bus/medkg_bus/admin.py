"""Topics as Kafka has them, and making more."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

from aiokafka.admin import NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code
from medkg_contracts.asyncapi import TopicSpec
from medkg_contracts.errors import ConfigurationError, KafkaUnavailable

from .clients import admin_client

#: How long creating all topics may take, and until they have leaders, in seconds.
LIMIT_S: Final = 60.0

#: Seconds between two looks whether an altered setting holds.
LOOK_S: Final = 0.1

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


class Admin:
    """The cluster's administration. Within the context, what Kafka does not do is KafkaUnavailable."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._client = admin_client(bootstrap)
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

    async def setting(self, topic: str, name: str) -> str | None:
        """What the topic has as this setting, Kafka's default included; None when there is no such topic or setting."""
        (answer,) = await self._client.describe_configs([_resource(topic, None)])
        return next(
            (value for _, _, _, _, entries in answer.resources for key, value, *_ in entries if key == name), None
        )

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
        """Give these topics the setting that guarantees rest on, and wait until it holds; those that had another."""
        wanted = {spec.name: spec.config[ENFORCED] for spec in specs if ENFORCED in spec.config}
        changed = await self._other_than(wanted)
        if not changed:
            return []
        for answer in await self._client.alter_configs([_resource(name, own) for name, own in changed.items()]):
            for code, message, _, name in answer.resources:
                if code:
                    raise ConfigurationError(
                        f"Kafka refused to alter {name}: {for_code(code).__name__} {message or ''}"
                    )
        # A broker hears of it after the controller has answered.
        while await self._other_than(wanted):  # noqa: ASYNC110 - Kafka tells nobody
            await asyncio.sleep(LOOK_S)
        return list(changed)

    async def _other_than(self, wanted: Mapping[str, str]) -> dict[str, dict[str, str]]:
        """All settings that the topics with another `ENFORCED` setting are to have, by topic."""
        if not wanted:
            return {}
        answers = await self._client.describe_configs([_resource(name, None) for name in wanted])
        found: dict[str, dict[str, str]] = {}
        for _, _, _, name, entries in (resource for answer in answers for resource in answer.resources):
            present = {key: value for key, value, *_ in entries}
            if present.get(ENFORCED) != wanted[name]:
                # Kafka takes all of a topic's own settings at once: what is left out would be the default again.
                own = {key: value for key, value, _, source, *_ in entries if source == _OF_TOPIC}
                found[name] = own | {ENFORCED: wanted[name]}
        return found


def _resource(name: str, settings: Mapping[str, str] | None) -> ConfigResource:
    return ConfigResource(ConfigResourceType.TOPIC, name, settings)
