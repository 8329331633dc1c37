"""A damaged record is read, or refused with an error of medkg's own: nothing else ever comes out."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from medkg_artifacts import ArtifactStore, redeem
from medkg_contracts import topics
from medkg_contracts.cloudevents import CloudEvent, from_record, to_headers
from medkg_contracts.deadletter import DeadLetter, read_letter
from medkg_contracts.errors import ArtifactMissing, InvalidRequest, MedkgError, PoisonRecord
from medkg_contracts.events import dump
from medkg_contracts.records import Record
from medkg_routing.inbound import Inbound, NodeEnded, Requested
from medkg_routing.interpretation import broken, read
from medkg_stagekit.work import Work, read_work

from .mutations import damaged, damaged_anywhere
from .odd import ODD_BYTES, ODD_JSON
from .seeds import QUEUE, TOPICS, Raw, seeds

#: Nobody is to wait for one record longer than this; a hang is what is looked for, not a slow machine.
BOUND = timedelta(seconds=10)

many = settings(
    max_examples=600, deadline=BOUND, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    """An event loop for all examples of a property."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ArtifactStore:
    """An empty artifact store."""
    folder: Path = tmp_path_factory.mktemp("artifacts")
    return ArtifactStore(folder)


def outcome(raw: Raw, store: ArtifactStore, loop: asyncio.Runner) -> Inbound | Work | MedkgError | None:
    """What a service makes of the record: what it reads, or why it refuses."""
    try:
        whole = loop.run(redeem(from_record(raw.headers, raw.value), store))
        return read_work(whole, raw.record()) if raw.topic == QUEUE else read(raw.topic, whole)
    except MedkgError as error:
        return error


@pytest.mark.parametrize("topic", TOPICS)
def test_undamaged_records_are_read(topic: str, store: ArtifactStore, loop: asyncio.Runner) -> None:
    """What the damage starts from is good, so that it is the damage that is tested."""
    refused = [raw for raw in seeds(topic) if isinstance(outcome(raw, store, loop), MedkgError)]

    assert [] == refused


@pytest.mark.parametrize("topic", TOPICS)
def test_a_damaged_record_is_read_or_refused(topic: str, store: ArtifactStore, loop: asyncio.Runner) -> None:
    """Router and stage services refuse what they cannot read, and what they refuse can be told and kept."""

    @many
    @given(damaged(topic))
    def holds(raw: Raw) -> None:
        found = outcome(raw, store, loop)
        if isinstance(found, MedkgError):
            assert not found.retryable, "a record that is wrong stays wrong"
            assert dump(found.info), "the reason travels as JSON"
            assert raw == letter_of(raw, found), "the record is kept byte for byte"

    holds()


def letter_of(raw: Raw, error: MedkgError) -> Raw:
    """The record as its dead letter gives it back."""
    letter = DeadLetter(raw.record(), "medkg.router", type(error).__name__, error.info)
    kept = read_letter(Record("router.dlq.v1", 0, 0, 0, raw.key, raw.value, letter.headers())).original
    return Raw(kept.topic, kept.key, tuple(kept.headers), kept.value)


def test_an_event_that_is_no_order_is_refused_on_control() -> None:
    """Nobody but the router reads the control topic, so what it does not know there is nobody's."""
    event = CloudEvent(id="1", source="/s", type="com.example.order", extensions={"jobid": "j-1"})

    with pytest.raises(PoisonRecord):
        read(topics.CONTROL, event)


@many
@given(damaged_anywhere())
def test_what_a_damaged_event_means_to_its_job_can_be_told(raw: Raw) -> None:
    """Of an event whose data cannot be read, the router finds out whether a request or a stage has failed."""
    try:
        event = from_record(raw.headers, raw.value)
    except PoisonRecord:
        return

    for error in (PoisonRecord("x"), InvalidRequest("x")):
        assert isinstance(broken(raw.topic, event, error), Requested | NodeEnded | None)


@many
@given(damaged_anywhere())
def test_what_is_read_can_be_written_again(raw: Raw) -> None:
    """An event that the codec reads from a damaged record is one that it writes, and reads as the same."""
    try:
        event = from_record(raw.headers, raw.value)
    except PoisonRecord:
        return

    assert event == from_record(to_headers(event), event.data)


def test_inputs_of_damaged_work_are_found_or_missing(store: ArtifactStore, loop: asyncio.Runner) -> None:
    """Whatever the references of work that was read say, the store finds it or says that it has no such thing."""

    @many
    @given(damaged(QUEUE))
    def holds(raw: Raw) -> None:
        work = outcome(raw, store, loop)
        if not isinstance(work, Work):
            return
        for ref in work.inputs.values():
            with suppress(ArtifactMissing):
                assert isinstance(loop.run(store.get(work.ctx.tenant_id, ref)), bytes)

    holds()


@many
@given(damaged_anywhere(), st.integers(0, 40), st.sampled_from(ODD_BYTES) | st.binary(max_size=40))
def test_a_damaged_dead_letter_is_read_or_refused(raw: Raw, at: int, odd: bytes) -> None:
    """A record of a DLQ that somebody else wrote there is a letter or poison."""
    error = PoisonRecord("it is damaged")
    headers = DeadLetter(raw.record(), "medkg.router", "PoisonRecord", error.info).headers()
    at %= len(headers)
    headers[at] = (headers[at][0], odd)
    try:
        letter = read_letter(replace(raw.record(), topic=topics.ROUTER_DLQ, headers=headers))
    except PoisonRecord:
        return

    assert str(letter.original.place)


@st.composite
def stored_records(draw: st.DrawFn) -> bytes:
    """What may stand in the place of a stored record: anything, or one with an odd part."""
    odd = draw(st.sampled_from(ODD_JSON))
    header = draw(st.sampled_from([f'["ce_id", {odd}]', f"[{odd}, null]", f"[{odd}]", odd]))
    shapes = [
        odd,
        f'{{"key": {odd}, "value": null, "headers": []}}',
        f'{{"key": null, "value": "", "headers": [{header}]}}',
    ]
    return draw(st.sampled_from(shapes).map(str.encode) | st.binary(max_size=100))


@many
@given(stored_records(), damaged_anywhere())
def test_a_damaged_stored_record_is_read_or_refused(body: bytes, raw: Raw) -> None:
    """What the artifact store has in the place of a letter's record is a record or poison."""
    letter = read_letter(
        Record(
            "router.dlq.v1", 0, 0, 0, None, None, DeadLetter(raw.record(), "g", "E", PoisonRecord("x").info).headers()
        )
    )
    try:
        restored = letter.restored(body)
    except PoisonRecord:
        return

    assert all(isinstance(name, str) for name, _ in restored.original.headers)
