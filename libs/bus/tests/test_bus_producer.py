"""How events get to Kafka."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiokafka.errors import KafkaTimeoutError, MessageSizeTooLargeError, NotLeaderForPartitionError
from medkg_artifacts import CLAIM_CHECK_BYTES, ArtifactStore, redeem
from medkg_bus.memory import MemoryProducer
from medkg_bus.producer import EventProducer
from medkg_contracts.cloudevents import CloudEvent, to_headers
from medkg_contracts.deadletter import DeadLetter
from medkg_contracts.errors import KafkaUnavailable, PoisonRecord
from medkg_contracts.events import make_event
from medkg_contracts.kinds import Kind
from medkg_contracts.records import Record
from medkg_contracts.requests import JobRequest

DONE = "shout.done.v1"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    """An empty artifact store."""
    return ArtifactStore(tmp_path)


@pytest.fixture
def producer() -> MemoryProducer:
    """A client that acknowledges everything."""
    return MemoryProducer()


def small() -> CloudEvent:
    request = JobRequest(source="ctgov", id="1")
    return make_event(Kind.JOB_REQUESTED, id="e-0", source="/test", time=NOW, data=request, job_id="j-1")


async def test_large_data_travel_as_a_claim_check(store, producer):
    """An event whose data are too large for a record goes with a reference, and reads as it was written."""
    request = JobRequest(source="ctgov", ids=[f"NCT{number:08}" for number in range(8000)])
    event = make_event(Kind.JOB_REQUESTED, id="e-1", source="/test", time=NOW, data=request, job_id="j-1")
    await EventProducer(producer, store).send("jobs.requests.v1", event)

    (sent,) = producer.sent

    assert len(event.data) > CLAIM_CHECK_BYTES
    assert sent.value is None
    assert event == await redeem(sent.event, store)


async def test_small_data_travel_themselves(store, producer):
    """An event of ordinary size is its record."""
    await EventProducer(producer, store).send("t", small())

    (sent,) = producer.sent

    assert (small().data, to_headers(small()), b"j-1") == (sent.value, sent.headers, sent.key)


@pytest.mark.parametrize(("stood", "goes"), [(3, 3), (77, None)])
async def test_a_dead_letter_goes_to_its_records_partition(store, producer, stood, goes):
    """All about one job stands in one partition number, a DLQ's too, unless the DLQ has no such partition."""
    record = Record("t", stood, 0, 0, b"rdk-0", b"?", [])
    letter = DeadLetter(record, "medkg.router", "PoisonRecord", PoisonRecord("no JSON").info)
    await EventProducer(producer, store).bury("router.dlq.v1", letter)

    (sent,) = producer.sent

    assert (goes, b"rdk-0", b"?") == (sent.partition, sent.key, sent.value)


async def test_a_producer_that_takes_nothing_is_kafka_away(store):
    """A record that the producer refuses is Kafka's failure, not the job's."""
    with pytest.raises(KafkaUnavailable, match=r"sending to shout\.done\.v1"):
        await EventProducer(MemoryProducer(closed=True), store).send(DONE, small())


BAD = Record("jobs.requests.v1", 3, 17, 1_000, b"j-1", b"?", [("a", b"1"), ("a", None)])


async def test_a_record_is_sent_again_where_it_stood(store, producer):
    """A record that is sent again goes to its own partition, byte for byte, whatever its key says."""
    assert await EventProducer(producer, store).resend(BAD) is None

    (sent,) = producer.sent
    assert (BAD.partition, BAD.key, BAD.value, BAD.headers) == (sent.partition, sent.key, sent.value, sent.headers)


async def test_a_record_that_kafka_never_takes_is_told(store):
    """What no other try would change is said in words; what one may mend is Kafka's failure."""
    refusal = await EventProducer(MemoryProducer(MessageSizeTooLargeError()), store).resend(BAD)

    assert "MessageSizeTooLargeError" in str(refusal)
    with pytest.raises(KafkaUnavailable):
        await EventProducer(MemoryProducer(NotLeaderForPartitionError()), store).resend(BAD)


async def test_one_record_that_is_refused_is_told_when_all_have_been_answered():
    """Whoever tries again does so when nothing of the first try is under way any more."""
    futures = [asyncio.get_running_loop().create_future() for _ in range(3)]
    waiting = asyncio.ensure_future(EventProducer.acknowledged(futures))
    futures[1].set_exception(KafkaTimeoutError())
    futures[0].set_result(None)
    await asyncio.sleep(0.01)
    told_early = waiting.done()
    futures[2].set_result(None)

    with pytest.raises(KafkaUnavailable, match="waiting for an acknowledgement"):
        await waiting
    assert not told_early
