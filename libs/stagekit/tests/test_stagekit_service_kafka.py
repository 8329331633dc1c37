"""A stage service as a process with a real Kafka, and what is done to it."""

import json
import os
import signal
from base64 import b64decode
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from medkg_artifacts import ArtifactStore
from medkg_bus.producer import STORED_RECORD
from medkg_contracts.artifacts import ArtifactRef
from medkg_contracts.cloudevents import to_headers
from medkg_contracts.deadletter import original_headers, reason_headers
from medkg_stack import Stack
from medkg_stack.ports import free_port

from .fakes import asked
from .processes import EVENTS, Bus, EchoProcess

pytestmark = pytest.mark.integration

Start = Callable[..., EchoProcess]


@pytest.fixture(scope="module")
def kafka_bootstrap(stack: Stack) -> str:
    """The address of a Kafka that a test may restart."""
    stack.up(only=["kafka"])
    return stack.kafka.address


@pytest.fixture
async def bus(kafka_bootstrap: str) -> AsyncIterator[Bus]:
    """The topics of a service that no other test has."""
    async with Bus(kafka_bootstrap, f"echo-{uuid4().hex[:8]}") as bus:
        yield bus


@pytest.fixture
def start(kafka_bootstrap: str, bus: Bus, tmp_path: Path) -> Iterator[Start]:
    """Starts a replica; all are ended with the test."""
    running: list[EchoProcess] = []

    def begin(**environment: str) -> EchoProcess:
        running.append(EchoProcess(bus.name, tmp_path, kafka_bootstrap, **environment))
        return running[-1]

    yield begin
    for service in running:
        service.end()


def jobs(bus: Bus, words: list[str]) -> list[str]:
    return sorted(f"{bus.name}-{word}" for word in words)


async def test_sigterm_finishes_what_is_begun(bus: Bus, start: Start, tmp_path: Path) -> None:
    """A service that is told to stop finishes its batch, answers, commits and ends well."""
    words = [f"wait-{number}" for number in range(5)]
    await bus.ask(words)
    service = await start().ready()
    await service.until(lambda: len(service.started) == 5)

    service.process.send_signal(signal.SIGTERM)
    (tmp_path / "go").touch()

    assert 0 == await service.ended()
    await bus.until(lambda: len(bus.answered()) == 5)
    assert jobs(bus, words) == sorted(service.started)
    assert 0 == await bus.lag()


async def test_sigkill_loses_nothing(bus: Bus, start: Start, tmp_path: Path) -> None:
    """What a killed service had begun is done again by the next: every job is answered, each effect is there once."""
    words = [f"wait-{number}" for number in range(5)]
    await bus.ask(words)
    first = await start().ready()
    await first.until(lambda: len(first.started) == 5)
    assert -signal.SIGKILL == await first.ended(signal.SIGKILL)
    assert 5 == await bus.lag()

    (tmp_path / "go").touch()
    second = start()
    await bus.until(lambda: len(bus.answered()) == 5)

    assert jobs(bus, words) == sorted(bus.answered())
    assert jobs(bus, words * 2) == sorted(second.started)
    assert jobs(bus, words) == second.effects
    ids = [dict(record.headers)["ce_id"] for record in bus.records if record.topic == bus.done]
    assert len(ids) == len(set(ids))


async def test_poison_between_good_records(bus: Bus, start: Start) -> None:
    """What stands on the queue is done, other tools' headers or not, or kept byte for byte, in one batch."""
    good = asked("good", f"{bus.name}-good", stage=bus.name)
    headers = to_headers(good)
    poison = [
        (b"p-1", b"{", headers),
        (b"p-2", good.data, [*headers, ("null", None), ("ce_id", b"another")]),
        (b"p-3", good.data, [*headers, ("ce_latin", "é".encode("latin-1"))]),
        (None, None, []),
        (b"\xff\x00", os.urandom(1024 * 1024 + 1), headers),
    ]
    for key, value, given in poison:
        await bus.put(key, value, given, partition=1)
    foreign = [("__value_schema_id", b"\x01\xa1\xff\x00"), ("null", None), ("", b"")]
    await bus.put(good.extensions["partitionkey"].encode(), good.data, [*foreign, *headers], partition=1)
    await start().ready()

    def kept():
        return [record for record in bus.records if record.topic == bus.dlq]

    await bus.until(lambda: len(kept()) == 5 and f"{bus.name}-good" in bus.answered())

    assert [(key, value, [(name, raw) for name, raw in given]) for key, value, given in poison] == sorted(
        ((record.key, record.value, original_headers(record.headers)) for record in kept()),
        key=lambda letter: [each[:2] for each in poison].index(letter[:2]),
    )
    events = [record for record in bus.records if record.topic == EVENTS and _type(record) == "record.refused"]
    assert 5 == len([record for record in events if json.loads(record.value)["topic"] == bus.queue])
    await bus.committed()


async def test_what_is_too_large_for_a_record_is_kept_in_the_store(bus: Bus, start: Start, tmp_path: Path) -> None:
    """A record that only compression let through is kept whole in the store, and its dead letter says where."""
    good = asked("good", f"{bus.name}-good", stage=bus.name)
    await bus.put(b"bomb", b"x" * (20 * 1024 * 1024), [("n", None), *to_headers(good)], partition=1)
    await bus.put(good.extensions["partitionkey"].encode(), good.data, to_headers(good), partition=1)
    await start().ready()
    await bus.until(lambda: f"{bus.name}-good" in bus.answered())
    await bus.until(lambda: [record for record in bus.records if record.topic == bus.dlq])

    (letter,) = [record for record in bus.records if record.topic == bus.dlq]
    uri = dict(letter.headers)[STORED_RECORD].decode()
    ref = ArtifactRef(name="dead-letter", sha256=uri.rpartition("/")[2], size=10**6, uri=uri)
    whole = json.loads(await ArtifactStore(tmp_path / "artifacts").get("system", ref))
    assert (b"bomb", None, "poison") == (letter.key, letter.value, reason_headers(letter.headers)["medkg-error-code"])
    assert b"x" * (20 * 1024 * 1024) == b64decode(whole["value"])
    assert ["n", None] == whole["headers"][0]


async def test_whatever_a_sender_compresses_with_is_read(bus: Bus, start: Start, kafka_bootstrap: str) -> None:
    """A producer may compress as it likes: a record that could not be decompressed would block its partition."""
    codecs = ["gzip", "lz4", "snappy", "zstd"]
    service = start()
    for codec in codecs:
        event = asked(codec, f"{bus.name}-{codec}", stage=bus.name)
        async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, compression_type=codec) as producer:
            key = event.extensions["partitionkey"].encode()
            await producer.send_and_wait(bus.queue, event.data, key, headers=to_headers(event))
    await bus.until(lambda: len(bus.answered()) == len(codecs))

    assert jobs(bus, codecs) == sorted(service.started)


def _type(record) -> str:
    return dict(record.headers)["ce_type"].decode().removeprefix("org.medicalkg.orchestration.")


async def test_a_restart_of_kafka_is_lived_through(bus: Bus, start: Start, stack: Stack) -> None:
    """A service goes on when Kafka comes back; it is not restarted for it."""
    service = await start().ready()
    await bus.ask(["before"])
    await bus.until(lambda: len(bus.answered()) == 1)

    stack.kafka.stop()
    stack.kafka.start()
    await bus.ask(["after"])
    await bus.until(lambda: len(bus.answered()) == 2)

    assert jobs(bus, ["before", "after"]) == sorted(bus.answered())
    assert service.process.poll() is None


async def test_a_service_that_starts_before_kafka_waits_for_it(bus: Bus, start: Start, stack: Stack) -> None:
    """A service that finds no Kafka says so without a stack trace, and begins to work when Kafka is there."""
    await bus.ask(["early"])
    stack.kafka.stop()
    service = start()
    await service.until(lambda: _waits(service))
    stack.kafka.start()
    await bus.until(lambda: len(bus.answered()) == 1)

    assert service.process.poll() is None
    assert [] == _traces(service)


async def test_a_service_that_waits_for_kafka_can_be_stopped(start: Start) -> None:
    """SIGTERM ends a service that could not start yet, and that is no failure."""
    service = start(MK_KAFKA=f"127.0.0.1:{free_port()}")
    await service.until(lambda: _waits(service))

    assert 0 == await service.ended(signal.SIGTERM)
    assert [] == _traces(service)


async def test_a_service_that_cannot_be_made_says_why(start: Start) -> None:
    """What no waiting mends ends the service at once, with what to do about it and no stack trace."""
    service = start(MK_ARTIFACTS_URL="gopher://elsewhere")

    assert 1 == await service.ended()
    assert [("critical", True)] == [(line["level"], "gopher" in line["message"]) for line in service.lines]
    assert [] == _traces(service)


def _waits(service: EchoProcess) -> bool:
    return any("cannot start yet" in line["message"] for line in service.lines)


def _traces(service: EchoProcess) -> list[str]:
    return [line["message"] for line in service.lines if "error" in line or "Unclosed" in line["message"]]


@pytest.mark.parametrize("how", ["block", "wait"])
async def test_a_stage_that_hangs_shows(how: str, bus: Bus, start: Start, tmp_path: Path) -> None:
    """A stage that hangs longer than a batch may take, the event loop with it or not, makes the service not live."""
    service = await start(ECHO_LONGEST_S="0.5").ready()
    assert 200 == service.health("/livez")[0]

    await bus.ask([f"{how}-1"])
    await service.until(lambda: service.health("/livez")[0] == 503)
    assert "no progress for" in (service.health("/livez")[1] or "")

    (tmp_path / "go").touch()
    await service.until(lambda: service.health("/livez")[0] == 200)


@pytest.mark.usefixtures("bus")
async def test_ready_means_assigned(start: Start) -> None:
    """A service is ready when it has partitions; a replica too many never is, though it lives."""
    replicas = [start() for _ in range(5)]

    def statuses() -> list[int]:
        return sorted(replica.health("/readyz")[0] for replica in replicas)

    await replicas[0].until(lambda: statuses() == [200, 200, 200, 200, 503])
    assert [200] * 5 == [replica.health("/livez")[0] for replica in replicas]


async def test_a_handler_that_fails_ends_the_service(bus: Bus, start: Start) -> None:
    """A service whose own code fails stops with an error, so that nothing is skipped and somebody sees it."""
    await bus.ask(["one"])
    service = start(ECHO_BROKEN="1")

    assert 1 == await service.ended()
    assert 1 == await bus.lag()
    assert "critical" in {line["level"] for line in service.lines}


async def test_events_of_all_jobs_are_there(bus: Bus, start: Start) -> None:
    """Each job's started and completed are on the lifecycle topic before its answer is on the done topic."""
    words = [f"w{number}" for number in range(20)]
    await bus.ask(words)
    await start().ready()
    await bus.until(lambda: len(bus.answered()) == 20)
    own = {f"{bus.name}-{word}".encode() for word in words}

    def story():
        return [record for record in bus.records if record.topic == EVENTS and record.key in own]

    await bus.until(lambda: len(story()) == 40)
    for job in own:
        assert ["stage.started", "stage.completed"] == [_type(record) for record in story() if record.key == job]
