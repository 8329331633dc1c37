"""Which dead letters are still open."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from medkg_contracts.cloudevents import to_headers
from medkg_contracts.data import LetterClosed
from medkg_contracts.deadletter import DeadLetter
from medkg_contracts.errors import PoisonRecord
from medkg_contracts.events import make_event
from medkg_contracts.kinds import Kind
from medkg_contracts.records import Record
from medkg_explain.trail import open_letters

from .cases import ASKED


def letter(offset: int) -> Record:
    """A dead letter on a DLQ."""
    headers = DeadLetter(ASKED, "medkg.chunk", "PoisonRecord", PoisonRecord("no JSON").info).headers()
    return replace(ASKED, topic="chunk.dlq.v1", offset=offset, headers=headers)


def closing(kind: Kind, offset: int) -> Record:
    """The record that says what became of the letter at this offset."""
    data = LetterClosed(dlq="chunk.dlq.v1", partition=2, offset=offset)
    event = make_event(kind, id="1", source="/t", time=datetime.now(UTC), data=data, job_id="j1")
    return replace(ASKED, topic="chunk.dlq.v1", offset=90, value=event.data, headers=to_headers(event))


@pytest.mark.parametrize("kind", [Kind.RECORD_REDRIVEN, Kind.RECORD_DISCARDED])
def test_a_closed_letter_is_no_reason_any_more(kind: Kind) -> None:
    """A letter that was redriven or discarded does not explain anything; the others do."""
    found = open_letters([letter(3), letter(4), closing(kind, 3)])

    assert [4] == [one.place.offset for one in found]


def test_what_is_neither_letter_nor_event_is_passed_over() -> None:
    """A record of somebody else on a DLQ hides no letter."""
    strange = replace(ASKED, topic="chunk.dlq.v1", headers=[("x", None)], value=b"\x00")

    assert [3] == [one.place.offset for one in open_letters([letter(3), strange])]
