"""What becomes of a record that cannot be read."""

from pathlib import Path

import pytest
from medkg_artifacts import ArtifactStore
from medkg_bus.memory import MemoryProducer
from medkg_bus.producer import EventProducer
from medkg_contracts import topics
from medkg_contracts.cloudevents import from_record
from medkg_contracts.errors import PoisonRecord
from medkg_contracts.records import Record
from medkg_servicekit.refusal import refuse
from prometheus_client import generate_latest


@pytest.mark.parametrize(
    ("key", "expected"),
    [(b"j-1", "j-1"), (None, "unknown"), (b"\xff", "unknown"), (b"a\x00b", "unknown"), (b"x" * 200, "unknown")],
)
async def test_a_refusal_can_always_be_read(key: bytes | None, expected: str, tmp_path: Path) -> None:
    """Whatever key a refused record has, the event that tells of it is one that medkg reads."""
    producer = MemoryProducer()
    record = Record("shout.queue.v1", 0, 3, 0, key, b"", [])
    error = PoisonRecord("quotes \ud800 and \x00")
    await refuse(
        EventProducer(producer, ArtifactStore(tmp_path)),
        record,
        error,
        "medkg.shout",
        "shout.dlq.v1",
        "/medkg/stages/shout",
    )

    sent = producer.on(topics.EVENTS)[0]

    assert expected == from_record(sent.headers, sent.value).extensions["jobid"]


async def test_refused_records_are_counted(tmp_path: Path) -> None:
    """Prometheus finds how many records of a topic were refused, and why."""
    record = Record("counted.queue.v1", 0, 3, 0, None, b"", [])
    producer = EventProducer(MemoryProducer(), ArtifactStore(tmp_path))
    await refuse(producer, record, PoisonRecord("no"), "medkg.counted", "counted.dlq.v1", "/medkg/stages/counted")

    assert 'medkg_records_refused_total{code="poison",topic="counted.queue.v1"} 1.0' in generate_latest().decode()
