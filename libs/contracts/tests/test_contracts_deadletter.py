"""A dead letter keeps the original record byte for byte, and says why it is there."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medkg_contracts.deadletter import (
    STORED_RECORD,
    DeadLetter,
    original_headers,
    pack_record,
    read_letter,
    reason_headers,
)
from medkg_contracts.errors import ErrorInfo, PoisonRecord, StageBug
from medkg_contracts.records import Place, Record

REASON_NAMES = [
    "kafka_dlt-original-topic",
    "kafka_dlt-original-partition",
    "kafka_dlt-original-offset",
    "kafka_dlt-original-timestamp",
    "kafka_dlt-original-consumer-group",
    "kafka_dlt-exception-fqcn",
    "kafka_dlt-exception-message",
    "medkg-error-code",
]

header_names = st.text(max_size=10) | st.sampled_from([*REASON_NAMES, "ce_id", "content-type"])
headers_ = st.lists(st.tuples(header_names, st.none() | st.binary(max_size=20)), max_size=12)
records = st.builds(
    Record,
    topic=st.sampled_from(["parse.queue.v1", "jobs.requests.v1"]),
    partition=st.integers(0, 100),
    offset=st.integers(0, 2**63 - 1),
    timestamp=st.integers(-1, 2**62),
    key=st.none() | st.binary(max_size=20),
    value=st.none() | st.binary(max_size=20),
    headers=headers_,
)


def letter(record: Record, message: str = "specversion is None") -> DeadLetter:
    error = ErrorInfo(code="poison", message=message, retryable=False, remedy="Look at it.")
    return DeadLetter(record, "medkg.parse", "PoisonRecord", error)


@settings(max_examples=200)
@given(records)
def test_original_headers_are_recovered(record: Record) -> None:
    """Null, repeated and non-text headers come back as they were, in their order."""
    assert record.headers == original_headers(letter(record).headers())


@settings(max_examples=50)
@given(records, headers_.filter(lambda headers: "medkg-error-code" not in dict(headers)))
def test_headers_that_a_client_adds_are_not_the_original(record: Record, added: list[tuple[str, bytes | None]]) -> None:
    """A header that a tracing client adds behind the reason does not come back with the original's."""
    assert record.headers == original_headers([*letter(record).headers(), *added])


@settings(max_examples=50)
@given(records)
def test_original_headers_of_a_twice_dead_letter_are_the_first_letters(record: Record) -> None:
    """A dead letter that is buried again keeps its own reason among its original headers."""
    first = letter(record).headers()
    again = Record("parse.dlq.v1", 0, 0, 0, record.key, record.value, first)

    assert first == original_headers(letter(again).headers())


@settings(max_examples=50)
@given(records)
def test_reason_says_where_the_record_was(record: Record) -> None:
    """The reason has the place as decimal text and the error, under Spring's names."""
    assert reason_headers(letter(record).headers()) == dict(
        zip(
            REASON_NAMES,
            [
                *map(str, (record.topic, record.partition, record.offset, record.timestamp)),
                *("medkg.parse", "PoisonRecord", "specversion is None", "poison"),
            ],
            strict=True,
        )
    )


def test_message_that_is_no_unicode_text_is_kept() -> None:
    """A message with a lone surrogate does not keep a record out of the DLQ."""
    record = Record("parse.queue.v1", 0, 0, 0, None, None, [])

    reason = reason_headers(letter(record, str(StageBug("name: \udcff"))).headers())

    assert reason["kafka_dlt-exception-message"] == "name: \\udcff"


@pytest.mark.parametrize("read", [reason_headers, original_headers])
def test_other_record_is_no_dead_letter(read: object) -> None:
    """A record without the reason's headers is refused."""
    assert callable(read)
    with pytest.raises(PoisonRecord, match="no dead letter"):
        read([("ce_id", b"1"), ("kafka_dlt-original-topic", b"x")])


def on_dlq(record: Record, *more: tuple[str, bytes | None]) -> Record:
    """The record as it stands on a DLQ."""
    return Record("parse.dlq.v1", 3, 17, 1_700, record.key, record.value, [*letter(record).headers(), *more])


@settings(max_examples=100)
@given(records)
def test_letter_has_the_original_record(record: Record) -> None:
    """A letter that is read from a DLQ has the original record, its place and the reason."""
    read = read_letter(on_dlq(record))

    assert (record, Place("parse.dlq.v1", 3, 17), 1_700) == (read.original, read.place, read.timestamp)
    assert ("medkg.parse", "PoisonRecord", "poison", "specversion is None", None) == (
        *(read.group, read.error_class, read.code, read.message),
        read.stored,
    )


@settings(max_examples=100)
@given(records)
def test_stored_letter_is_restored(record: Record) -> None:
    """A letter whose record went to the artifact store has it again, byte for byte, with what the store has."""
    bare = replace(record, key=(record.key or b"")[:5], value=None, headers=[])
    read = read_letter(on_dlq(bare, (STORED_RECORD, b"artifact://system/0")))

    assert "artifact://system/0" == read.stored
    assert record == read.restored(pack_record(record)).original


@pytest.mark.parametrize("body", [b"", b"[]", b'{"key": null}', b'{"key": "*", "value": null, "headers": []}'])
def test_stored_record_that_cannot_be_read_is_poison(body: bytes) -> None:
    """Bytes that are no stored record are refused."""
    read = read_letter(on_dlq(Record("parse.queue.v1", 0, 0, 0, b"k", None, [])))

    with pytest.raises(PoisonRecord, match="stored record"):
        read.restored(body)


def test_letter_with_a_broken_place_is_poison() -> None:
    """A letter that does not say where its record was is refused."""
    broken = [(name, b"x") for name, _ in letter(Record("t", 0, 0, 0, None, None, [])).headers()]

    with pytest.raises(PoisonRecord, match="place of the original record"):
        read_letter(Record("parse.dlq.v1", 0, 0, 0, None, None, broken))


@given(st.builds(Place, st.sampled_from(["parse.dlq.v1", "a/b"]), st.integers(0, 99), st.integers(0, 2**63 - 1)))
def test_place_is_read_as_it_is_written(place: Place) -> None:
    """A place is written as topic/partition@offset and read again."""
    assert place == Place.parse(str(place))


@pytest.mark.parametrize(
    "text", ["", "parse.dlq.v1", "parse.dlq.v1/3", "/3@4", "t/x@4", "t/3@", "t/-3@4", "t/3@\u0664"]
)
def test_other_text_is_no_place(text: str) -> None:
    """Text that is not of that form is refused."""
    with pytest.raises(ValueError, match="not of the form"):
        Place.parse(text)
