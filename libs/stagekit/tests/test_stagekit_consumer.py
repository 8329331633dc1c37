"""A stage service's Kafka shell: what it sends, in which order, and what becomes of records that nobody can read."""

from dataclasses import replace

import orjson
import pytest
from aiokafka.errors import KafkaTimeoutError
from medkg_bus.memory import MemoryProducer
from medkg_bus.producer import EventProducer
from medkg_bus.shutdown import HandedBack, ShutdownSignal
from medkg_contracts.artifacts import ArtifactRef
from medkg_contracts.data import BreakerNotice, StageDeferred
from medkg_contracts.deadletter import original_headers, reason_headers
from medkg_contracts.errors import (
    ArtifactStoreUnavailable,
    IndexUnavailable,
    InvalidDocument,
    KafkaUnavailable,
    SourceUnavailable,
)
from medkg_contracts.events import read_data
from medkg_contracts.ids import event_id
from medkg_contracts.policy import Breaker, Policy
from medkg_contracts.records import Record
from medkg_contracts.stages import StageContext
from medkg_stagekit.consumer import StageConsumer

from .fakes import (
    Choir,
    Desk,
    FlakyStore,
    Holding,
    Shout,
    Unfold,
    asked,
    bound,
    record_of,
    shouted,
)

EVENTS, DONE, DLQ = "orchestration.events.v1", "shout.done.v1", "shout.dlq.v1"

POISON = {
    "bad JSON": lambda record: replace(record, value=b"{"),
    "no value": lambda record: replace(record, value=None),
    "a required attribute that is null": lambda record: replace(record, headers=_with(record, "ce_id", None)),
    "an attribute that is not UTF-8": lambda record: replace(record, headers=[*record.headers, ("ce_x", b"\xff")]),
    "an unknown type": lambda record: replace(record, headers=_with(record, "ce_type", b"com.example.other")),
    "no headers": lambda record: replace(record, headers=[]),
    "too large": lambda record: replace(record, value=b"x" * (1024 * 1024 + 1)),
}


def _with(record: Record, name: str, value: bytes | None) -> list:
    return [(key, value if key == name else old) for key, old in record.headers]


def consumer_of(stage, store, producer, **options) -> StageConsumer:
    return StageConsumer(bound(stage), store, EventProducer(producer, store), **options)


def story_of(producer: MemoryProducer, job_id: str) -> list[tuple[str, str]]:
    return [record.what for record in producer.sent if record.key == job_id.encode()]


@pytest.mark.parametrize("stage", [Shout, Choir])
async def test_the_story_is_told_before_the_answer(stage, store, producer):
    """Each job's events are started, completed and, once Kafka has these, the answer on the done topic."""
    await consumer_of(stage(), store, producer).handle([record_of(asked()), record_of(asked("two", "j-2"), 1)])

    log = [(what, *record.what) for what, record in producer.log if record.key == b"j-1"]

    assert [
        ("sent", EVENTS, "stage.started"),
        ("sent", EVENTS, "stage.completed"),
        ("sent", DONE, "stage.completed"),
    ] == [entry for entry in log if entry[0] == "sent"]
    assert log.index(("acknowledged", EVENTS, "stage.completed")) < log.index(("sent", DONE, "stage.completed"))


async def test_everything_is_acknowledged_when_a_batch_is_handled(store, producer):
    """When a batch has been handled, so that its offsets may be committed, Kafka has all that was sent."""
    await consumer_of(Shout(), store, producer).handle([record_of(asked()), Record("t", 0, 1, 0, None, b"", [])])

    acknowledged = [record for what, record in producer.log if what == "acknowledged"]

    assert [record.what for record in producer.sent] == [record.what for record in acknowledged]


async def test_the_answer_is_the_event_that_was_told(store, producer):
    """The done topic has the very event that the lifecycle topic has."""
    await consumer_of(Shout(), store, producer).handle([record_of(asked())])

    assert producer.on(EVENTS)[-1].event == producer.on(DONE)[0].event


async def test_a_failed_job_is_answered_and_kept(store, producer):
    """A job that fails is answered with its error, and the record that asked for it goes to the DLQ as it was."""
    stage = Shout(lambda *_: InvalidDocument("no title"))
    record = record_of(asked(), offset=7)
    await consumer_of(stage, store, producer).handle([record])

    (letter,), (answer,) = producer.on(DLQ), producer.on(DONE)

    assert "document_invalid" == orjson.loads(answer.value)["error"]["code"]
    assert (record.key, record.value, list(record.headers)) == (
        letter.key,
        letter.value,
        original_headers(letter.headers),
    )
    assert {
        "kafka_dlt-original-topic": "shout.queue.v1",
        "kafka_dlt-original-offset": "7",
        "kafka_dlt-original-consumer-group": "medkg.shout",
        "kafka_dlt-exception-fqcn": "InvalidDocument",
        "kafka_dlt-exception-message": "no title",
        "medkg-error-code": "document_invalid",
    }.items() <= reason_headers(letter.headers).items()


async def test_retries_are_told(store, producer):
    """Each further try is an event between started and the end."""
    tries = iter([KafkaUnavailable("away"), "HELLO"])
    event = asked(policy=Policy(attempts=2))
    await consumer_of(Shout(lambda *_: next(tries)), store, producer).handle([record_of(event)])

    assert ["stage.started", "stage.retrying", "stage.completed", "stage.completed"] == [
        kind for _, kind in story_of(producer, "j-1")
    ]


async def test_a_long_wait_is_the_routers(store, producer):
    """Work whose next try is far away is answered with how long and how often it was tried; it is no dead letter."""
    stage = Shout(lambda *_: SourceUnavailable("busy", retry_after=120))
    event = asked(policy=Policy(attempts=9), tried=4)
    await consumer_of(stage, store, producer).handle([record_of(event)])

    assert [(EVENTS, "stage.started"), (EVENTS, "stage.deferred"), (DONE, "stage.deferred")] == story_of(
        producer, "j-1"
    )
    (answer,) = producer.on(DONE)
    deferral = read_data(answer.event, StageDeferred)
    assert ("source_unavailable", 120.0, 5) == (deferral.error.code, deferral.wait_s, deferral.tried)
    assert event_id("j-1", "shout", 1, 0, "stage.deferred") == answer.event.id


async def test_the_story_goes_on_over_epochs(store, producer):
    """Work that was tried before has events whose attempts go on; how an epoch ended is one event, whatever attempt."""
    await consumer_of(Shout(), store, producer).handle([record_of(asked(policy=Policy(attempts=9), tried=4))])

    assert ["5", "5"] == [record.event.extensions["attempt"] for record in producer.on(EVENTS)]
    assert event_id("j-1", "shout", 1, 0, "stage.completed") == producer.on(DONE)[0].event.id


async def test_cancelled_work_is_dropped_and_nobody_is_answered(store, producer):
    """Work of a cancelled job is told of as dropped: no answer, no dead letter; its mates are done."""
    consumer = consumer_of(Shout(), store, producer, orders=Desk([Holding(fences={"j-1": 2})]))
    await consumer.handle([record_of(asked()), record_of(asked("two", "j-2"), 1)])

    assert [(EVENTS, "stage.dropped")] == story_of(producer, "j-1")
    assert (["stage.completed"], []) == ([record.what[1] for record in producer.on(DONE)], producer.on(DLQ))


async def test_a_breakers_turns_are_told(store, producer):
    """A breaker that opens and closes again is told of once each, with the error that opened it."""
    policy = Policy(name="brittle", breaker=Breaker(failures=1, reset_s=0.001))
    results = iter([IndexUnavailable("away"), "HELLO"])
    consumer = consumer_of(Shout(lambda *_: next(results)), store, producer)
    for number in range(2):
        await consumer.handle([record_of(asked(f"j-{number}", f"j-{number}", policy=policy))])

    opened, closed = [record.event for record in producer.sent if record.what[1].startswith("breaker.")]
    notices = [read_data(event, BreakerNotice) for event in (opened, closed)]
    assert [("breaker.opened", "stage:shout"), ("breaker.closed", "stage:shout")] == [
        (".".join(event.type.split(".")[-2:]), event.extensions["jobid"]) for event in (opened, closed)
    ]
    assert [("shout", "brittle", 0.001), ("shout", "brittle", 0.0)] == [
        (notice.service, notice.policy, notice.reset_s) for notice in notices
    ]
    assert ["index_unavailable", None] == [notice.error.code if notice.error else None for notice in notices]


async def test_what_a_leaving_service_has_not_done_is_not_handled(store, producer):
    """A service that ends finishes what it has begun of a batch, begins nothing more, and says what is left."""
    shutdown = ShutdownSignal()
    policy = Policy(breaker=Breaker(failures=1, reset_s=600), concurrency=1)

    def act(ctx: StageContext, word: str) -> str | Exception:
        shutdown.leave()
        return shouted(ctx, word) if word == "j-1" else IndexUnavailable("away")

    consumer = consumer_of(Shout(act), store, producer, shutdown=shutdown)
    records = [record_of(asked(f"j-{number}", f"j-{number}", policy=policy), number) for number in range(1, 5)]

    with pytest.raises(HandedBack) as leaving:
        await consumer.handle(records)
    assert {b"j-1"} == {record.key for record in producer.on(DONE)}
    assert records[1:] == sorted(leaving.value.left, key=lambda record: record.offset)


@pytest.mark.parametrize("kind", POISON)
async def test_a_poison_record_is_kept_and_its_neighbours_are_done(kind, store, producer):
    """A record that cannot be read goes to the DLQ byte for byte, is told of, and holds nobody up."""
    poison = POISON[kind](record_of(asked("bad", "j-bad"), 1))
    records = [record_of(asked("one", "j-1")), poison, record_of(asked("two", "j-2"), 2)]
    await consumer_of(Shout(), store, producer).handle(records)

    (letter,) = producer.on(DLQ)
    refused = next(record.event for record in producer.sent if record.what == (EVENTS, "record.refused"))

    assert (poison.key, poison.value, list(poison.headers)) == (
        letter.key,
        letter.value,
        original_headers(letter.headers),
    )
    data = orjson.loads(refused.data)
    assert ("shout.queue.v1", 1, DLQ) == (data["topic"], data["offset"], data["dlq"])
    assert "poison" == data["error"]["code"]
    assert {b"j-1", b"j-2"} == {record.key for record in producer.on(DONE) if record.what[1] == "stage.completed"}


async def test_unreadable_work_fails_its_job(store, producer):
    """Work whose data break the contract, but which says whose it is, fails that stage of that job."""
    await consumer_of(Shout(), store, producer).handle([replace(record_of(asked()), value=b'{"request": 7}')])

    (answer,) = producer.on(DONE)

    assert event_id("j-1", "shout", 1, 0, "stage.failed") == answer.event.id
    assert "poison" == orjson.loads(answer.value)["error"]["code"]
    assert [EVENTS, EVENTS, DONE] == [topic for topic, _ in story_of(producer, "j-1") if topic != DLQ]


async def test_nothing_is_skipped_while_kafka_does_not_acknowledge(store):
    """A batch whose results Kafka has not acknowledged is not handled: it is to be done again."""
    producer = MemoryProducer(refusing=KafkaTimeoutError())

    with pytest.raises(KafkaUnavailable, match="waiting for an acknowledgement"):
        await consumer_of(Shout(), store, producer).handle([record_of(asked())])


async def test_a_batch_that_is_done_again_says_the_same(store, producer):
    """A batch that is handled twice sends the same events with the same ids and artifacts."""
    consumer = consumer_of(Shout(), store, producer)
    said = []
    for _ in range(2):
        producer.log.clear()
        await consumer.handle([record_of(asked())])
        said.append([(record.what, record.event.id) for record in producer.sent])

    assert said[0] == said[1]


async def test_a_batch_waits_for_a_store_that_is_away(tmp_path, producer):
    """A claim check that cannot be read for now is no poison: the batch is to be handled again."""
    store = FlakyStore(tmp_path)
    ref = await store.put("public", "event-data", asked().data, inline=False)
    event = replace(asked(dataref=ref.uri), data=None)
    store.reads = 1

    with pytest.raises(ArtifactStoreUnavailable):
        await consumer_of(Shout(), store, producer).handle([record_of(event)])
    assert [] == producer.sent

    await consumer_of(Shout(), store, producer).handle([record_of(event)])
    assert [(DONE, "stage.completed")] == [record.what for record in producer.on(DONE)]


async def test_a_dataref_that_leads_nowhere_is_poison(store, producer):
    """A claim check for nothing is refused like any record that cannot be read, and fails its job."""
    event = replace(asked(dataref="artifact://public/" + "0" * 64), data=None)
    await consumer_of(Shout(), store, producer).handle([record_of(event)])

    assert [1, 1] == [len(producer.on(DLQ)), len(producer.on(DONE))]


async def test_items_are_job_requests(store, producer):
    """An expanding stage's items are requests on the requests' topic before the stage is completed."""
    await consumer_of(Unfold(2), store, producer).handle([record_of(asked())])

    assert [
        (EVENTS, "stage.started"),
        ("jobs.requests.v1", "job.requested"),
        ("jobs.requests.v1", "job.requested"),
        (EVENTS, "stage.completed"),
        (DONE, "stage.completed"),
    ] == [record.what for record in producer.sent]
    assert ["0", "1"] == [orjson.loads(record.value)["id"] for record in producer.on("jobs.requests.v1")]


async def test_an_artifact_that_is_inline_needs_no_store(store, producer):
    """A small result stands in the answer itself."""
    await consumer_of(Shout(shouted), store, producer).handle([record_of(asked())])

    ref = ArtifactRef.model_validate(orjson.loads(producer.on(DONE)[0].value)["artifacts"]["shout"])

    assert ("HELLO", None) == (ref.value, ref.uri)
