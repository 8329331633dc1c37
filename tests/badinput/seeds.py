"""The records that bad input is made from: the examples of the AsyncAPI documents, each on its topic."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml
from medkg_contracts import topics
from medkg_contracts.cloudevents import Header
from medkg_contracts.records import Record

REPOSITORY: Final = Path(__file__).parents[2]

#: The stage whose topics stand for those of every stage.
STAGE: Final = "chunk"
QUEUE: Final = topics.queue(STAGE)
DONE: Final = topics.done(STAGE)

#: The messages that a good producer sends to each topic.
_MESSAGES: Final[Mapping[str, tuple[str, ...]]] = {
    topics.REQUESTS: ("jobRequested",),
    topics.CONTROL: ("controlReload", "controlCancel", "controlPause", "controlResume", "controlRerun", "timerDue"),
    DONE: ("stageCompleted", "stageFailed", "stageDeferred"),
    QUEUE: ("stageRequested",),
}

TOPICS: Final = tuple(_MESSAGES)


@dataclass(frozen=True, slots=True)
class Raw:
    """What a producer hands to Kafka."""

    topic: str
    key: bytes | None
    headers: tuple[Header, ...]
    value: bytes | None

    def record(self) -> Record:
        """The record as a consumer reads it."""
        return Record(self.topic, 3, 17, 1_763_631_000_125, self.key, self.value, self.headers)


@cache
def seeds(topic: str) -> tuple[Raw, ...]:
    """Records that are as the contract wants them."""
    described = yaml.safe_load((REPOSITORY / "asyncapi/common/messages.yaml").read_text())
    return tuple(_raw(topic, example) for name in _MESSAGES[topic] for example in described[name]["examples"])


def _raw(topic: str, example: Mapping[str, Any]) -> Raw:
    headers = tuple((name, str(text).encode()) for name, text in example["headers"].items())
    key = example["headers"].get("ce_partitionkey", "").encode() or None
    value = json.dumps(example["payload"]).encode() if "payload" in example else None
    return Raw(topic, key, headers, value)
