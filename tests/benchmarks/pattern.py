"""The pattern of a real job's records, for the relay: what each record leads to. Pure."""

from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from medkg_contracts import topics
from medkg_contracts.kinds import Kind

from .provisioning import RELAYED


@dataclass(frozen=True, slots=True)
class Copy:
    """A record that the relay sends: a real one, under the key of whatever led to it."""

    topic: str
    value: bytes | None
    headers: list[tuple[str, bytes]]


#: The records to send for each record of a topic.
Rules = Mapping[str, Sequence[Copy]]


@dataclass(frozen=True, slots=True)
class Seen:
    """A record of a real job.

    Attributes:
        kind: what it says.
        node: of which stage; None for the job itself.
    """

    kind: str
    node: str | None
    copy: Copy


def seen(topic: str, value: bytes | None, headers: Iterable[tuple[str, bytes]]) -> Seen:
    """A real record, as the relay will send it."""
    kept = list(headers)
    named = dict(kept)
    node = named.get("ce_stage")
    return Seen(named["ce_type"].decode(), None if node is None else node.decode(), Copy(RELAYED + topic, value, kept))


def router_rules(records: Iterable[Seen], stages: Sequence[str]) -> Rules:
    """What the relay sends in the router's place."""
    by_what = {(each.kind, each.node, each.copy.topic): each.copy for each in records}
    rules: dict[str, list[Copy]] = {}
    source = topics.REQUESTS
    events = RELAYED + topics.EVENTS
    accepted = [by_what[Kind.JOB_ACCEPTED.type, None, events]]
    for stage in stages:
        asked = by_what[Kind.STAGE_REQUESTED.type, stage, RELAYED + topics.queue(stage)]
        rules[RELAYED + source] = [*accepted, asked]
        accepted = []
        source = topics.done(stage)
    rules[RELAYED + source] = [by_what[Kind.JOB_COMPLETED.type, None, events]]
    return rules


def stage_rules(records: Iterable[Seen], stages: Sequence[str]) -> Rules:
    """What the relay sends in the stages' place."""
    by_what = {(each.kind, each.node, each.copy.topic): each.copy for each in records}
    events = RELAYED + topics.EVENTS
    return {
        RELAYED + topics.queue(stage): [
            by_what[Kind.STAGE_STARTED.type, stage, events],
            by_what[Kind.STAGE_COMPLETED.type, stage, events],
            by_what[Kind.STAGE_COMPLETED.type, stage, RELAYED + topics.done(stage)],
        ]
        for stage in stages
    }


def bytes_of(rules: Iterable[Rules]) -> tuple[int, int]:
    """How many records a job leads to, and how many bytes of values and headers they have."""
    copies = [copy for each in rules for listed in each.values() for copy in listed]
    size = sum(len(copy.value or b"") + sum(len(n) + len(v) for n, v in copy.headers) for copy in copies)
    return len(copies), size


def to_json(rules: Rules) -> dict[str, Any]:
    """The rules for a file."""
    return {
        source: [
            [copy.topic, _text(copy.value), [[name, _text(value)] for name, value in copy.headers]] for copy in copies
        ]
        for source, copies in rules.items()
    }


def from_json(body: Mapping[str, Any]) -> Rules:
    """The rules of a file."""
    return {
        source: [
            Copy(topic, _bytes(value), [(name, _bytes(text) or b"") for name, text in headers])
            for topic, value, headers in copies
        ]
        for source, copies in body.items()
    }


def _text(value: bytes | None) -> str | None:
    return None if value is None else b64encode(value).decode()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else b64decode(text)
