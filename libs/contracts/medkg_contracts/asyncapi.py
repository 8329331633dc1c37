"""The AsyncAPI documents as data: which topics there are, and what each service sends and receives.

Topics are created from the documents, and tests compare running services with them. The payload schemas in
``common/schemas.yaml`` are written by `medkg_contracts.schemas`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import yaml

from . import topics as topic_names
from .errors import ConfigurationError
from .kinds import TYPE_PREFIX, Kind

#: Templates: the channels that every stage has, and the channel of a gate.
STAGE_PARAMETER: Final = "{stage}"
GATE_PARAMETER: Final = "{gateTopic}"

_CHANNELS: Final = Path("common", "channels.yaml")
_MAX_REFS: Final = 32


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic to create.

    Attributes:
        config: topic settings by Kafka's own names, as Kafka takes them: text.
    """

    name: str
    partitions: int
    replicas: int
    config: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Operation:
    """What a service does with a topic, as its document says.

    Attributes:
        topic: its name, or a template with ``{stage}`` or ``{gateTopic}``.
        group: the consumer group; None when it sends, or reads with a group of no fixed name.
        client_id: the pattern of the consumers' client ids; None when the document leaves them open.
        messages: names of the messages.
        kinds: the events among them that are medkg's own.
    """

    name: str
    action: Literal["send", "receive"]
    topic: str
    group: str | None
    client_id: str | None
    messages: frozenset[str]
    kinds: frozenset[Kind]


@dataclass(frozen=True, slots=True)
class _Place:
    """A value in a document: relative references in it start at `file`.

    Attributes:
        refs: how many references led here, so that a circle of them ends.
    """

    file: Path
    value: Any
    refs: int = 0

    def __getitem__(self, key: str) -> "_Place":
        """The member, with references followed."""
        members = self._members()
        if key not in members:
            raise ConfigurationError(f"{self.file}: {key!r} is missing")
        place = _Place(self.file, members[key], self.refs)
        while isinstance(place.value, dict) and "$ref" in place.value:
            place = _target(place, place.value["$ref"])
        return place

    def get(self, *keys: str) -> Any:  # noqa: ANN401 - whatever stands in the document
        """The value at the end of the keys, or None."""
        place = self
        for key in keys:
            if not isinstance(place.value, dict) or key not in place.value:
                return None
            place = place[key]
        return place.value

    def keys(self) -> list[str]:
        """The members' names."""
        return list(self._members())

    def _members(self) -> dict[str, Any]:
        if not isinstance(self.value, dict):
            raise ConfigurationError(f"{self.file}: {self.value!r} has to be a mapping")
        return self.value


@cache
def _load(file: Path) -> Any:  # noqa: ANN401
    try:
        return yaml.safe_load(file.read_text())
    except OSError as error:
        raise ConfigurationError(f"{file}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{file}: {error}") from error


def _target(origin: _Place, reference: str) -> _Place:
    """What a reference at `origin` points to: ``other.yaml#/a/b`` or ``#/a/b``."""
    if origin.refs == _MAX_REFS:
        raise ConfigurationError(f"{origin.file}: {reference} leads to itself")
    path, _, pointer = reference.partition("#")
    file = origin.file if not path else (origin.file.parent / path).resolve()
    place = _Place(file, _load(file), origin.refs + 1)
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(place.value, dict) or key not in place.value:
            raise ConfigurationError(f"{origin.file}: {reference} points to nothing")
        place = place[key]
    return place


def _open(file: Path) -> _Place:
    path = file.resolve()
    return _Place(path, _load(path))


def topics(folder: Path, stages: Iterable[str], gate_topics: Iterable[str]) -> list[TopicSpec]:
    """The topics of a deployment, in the order of their names.

    Args:
        folder: with the documents.
        stages: stage services; each has a queue, a done topic and a DLQ.
        gate_topics: topics that gates name, for their event and for their request.

    Raises:
        ConfigurationError: the documents cannot be read or contradict themselves; the message says where.
    """
    channels = _open(folder / _CHANNELS)
    found: dict[str, TopicSpec] = {}
    templates: dict[str, _Place] = {}
    for channel in (channels[key] for key in channels.keys()):  # noqa: SIM118 - a place is no mapping
        address = channel["address"].value
        if "{" in address or _is_gate(channel):
            templates[address] = channel
        else:
            found[address] = _topic(address, channel)
    for stage in stages:
        for address, channel in templates.items():
            if STAGE_PARAMETER in address:
                name = address.replace(STAGE_PARAMETER, stage)
                found[name] = _topic(name, channel)
    for name in gate_topics:
        if name not in found:
            found[name] = _topic(name, templates[name if name in templates else GATE_PARAMETER])
    return sorted(found.values(), key=lambda topic: topic.name)


def _is_gate(channel: _Place) -> bool:
    return any(tag["name"] == "gate" for tag in channel.get("tags") or ())


def _topic(name: str, channel: _Place) -> TopicSpec:
    kafka = channel["bindings"]["kafka"]
    return TopicSpec(
        name=name,
        partitions=kafka["partitions"].value,
        replicas=kafka["replicas"].value,
        config={key: _setting(value) for key, value in kafka["topicConfiguration"].value.items()},
    )


def _setting(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case list():
            return ",".join(map(str, value))
    return str(value)


def services(folder: Path) -> list[str]:
    """The services that have a document."""
    return sorted(file.parent.name for file in folder.glob("*/asyncapi.yaml"))


def stages(folder: Path) -> set[str]:
    """The stages that have a document: each takes work from a queue of its own.

    Raises:
        ConfigurationError: a document cannot be read.
    """
    queue = topic_names.queue("")
    received = (
        each.topic for name in services(folder) for each in operations(folder, name) if each.action == "receive"
    )
    return {topic.removesuffix(queue) for topic in received if topic.endswith(queue)} - {STAGE_PARAMETER}


def operations(folder: Path, service: str) -> list[Operation]:
    """What the service's document says that it sends and receives.

    Raises:
        ConfigurationError: there is no such document, or it cannot be read.
    """
    document = _open(folder / service / "asyncapi.yaml")
    named = document["operations"]
    return [_operation(name, named[name]) for name in named.keys()]  # noqa: SIM118


def _operation(name: str, operation: _Place) -> Operation:
    channel = operation["channel"]
    found = list(_messages(operation, channel))
    return Operation(
        name=name,
        action=operation["action"].value,
        topic=channel["address"].value,
        group=operation.get("bindings", "kafka", "groupId", "const"),
        client_id=operation.get("bindings", "kafka", "clientId", "pattern"),
        messages=frozenset(message["name"].value for message in found),
        kinds=frozenset(kind for message in found if (kind := _kind(message)) is not None),
    )


def _messages(operation: _Place, channel: _Place) -> Iterator[_Place]:
    """The operation's own list of messages, or all of its channel."""
    listed: Sequence[Mapping[str, str]] | None = operation.get("messages")
    if listed is not None:
        yield from (_target(operation, reference["$ref"]) for reference in listed)
    else:
        messages = channel["messages"]
        yield from (messages[key] for key in messages.keys())  # noqa: SIM118


def _kind(message: _Place) -> Kind | None:
    event_type: str | None = message.get("headers", "properties", "ce_type", "const")
    if event_type is None or not event_type.startswith(TYPE_PREFIX):
        return None
    return Kind(event_type.removeprefix(TYPE_PREFIX))
