"""What a dead-letter queue says: its letters, and what became of them."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from medkg_contracts.cloudevents import to_headers
from medkg_contracts.data import LetterClosed
from medkg_contracts.deadletter import DeadLetter
from medkg_contracts.dlq import DeadLetterEntries
from medkg_contracts.errors import PoisonRecord
from medkg_contracts.events import make_event
from medkg_contracts.kinds import Kind
from medkg_contracts.orders import Order
from medkg_contracts.records import Record

DLQ = "chunk.dlq.v1"
ASKED = Record("chunk.queue.v1", 2, 5, 1_000, b"j1", b"{}", [])
STRANGE = replace(ASKED, topic=DLQ, headers=[("x", None)], value=b"\x00")


def letter(offset: int) -> Record:
    """A dead letter on a DLQ."""
    headers = DeadLetter(ASKED, "medkg.chunk", "PoisonRecord", PoisonRecord("no JSON").info).headers()
    return replace(ASKED, topic=DLQ, offset=offset, headers=headers)


def closing(kind: Kind, offset: int) -> Record:
    """The record that says what became of the letter at this offset."""
    data = LetterClosed(dlq=DLQ, partition=2, offset=offset, order=Order(by="ann"))
    event = make_event(kind, id="1", source="/t", time=datetime.now(UTC), data=data, job_id="j1")
    return replace(ASKED, topic=DLQ, offset=90, value=event.data, headers=to_headers(event))


def entries_of(*records: Record) -> DeadLetterEntries:
    """What these records of a DLQ say."""
    entries = DeadLetterEntries()
    for record in records:
        entries.read(record)
    return entries


@pytest.mark.parametrize(("kind", "state"), [(Kind.RECORD_REDRIVEN, "redriven"), (Kind.RECORD_DISCARDED, "discarded")])
def test_a_closed_letter_is_open_no_more(kind: Kind, state: str) -> None:
    """A letter that was redriven or discarded says so, and by whom; the others stay open."""
    entries = entries_of(letter(3), letter(4), closing(kind, 3))

    assert [4] == [entry.letter.place.offset for entry in entries.open()]
    assert [(state, "ann"), ("open", None)] == [
        (entry.state, entry.closed and entry.closed.order.by) for entry in entries.all()
    ]


def test_what_is_neither_letter_nor_event_is_counted() -> None:
    """A record of somebody else on a DLQ hides no letter; neither does one that closes a letter that is not there."""
    entries = entries_of(letter(3), STRANGE, closing(Kind.RECORD_DISCARDED, 7))

    assert [3] == [entry.letter.place.offset for entry in entries.open()]
    assert (3, 1) == (entries.records, entries.unreadable)


def test_values_are_kept_where_they_are_wanted() -> None:
    """The values of letters take memory, so only the wanted ones are kept."""
    entries = DeadLetterEntries(values=lambda kept: kept.place.offset == 4)
    entries.read(letter(3))
    entries.read(letter(4))

    assert [None, b"{}"] == [entry.letter.original.value for entry in entries.all()]


def test_only_wanted_letters_are_kept() -> None:
    """Letters that nobody asks about are passed over."""
    entries = DeadLetterEntries(lambda given: given.place.offset == 4)
    entries.read(letter(3))
    entries.read(letter(4))

    assert [4] == [entry.letter.place.offset for entry in entries.all()]
