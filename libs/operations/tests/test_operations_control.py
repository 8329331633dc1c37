"""Orders are answered by events that name them as their cause."""

import pytest
from medkg_contracts.cloudevents import CloudEvent, to_headers
from medkg_contracts.data import ControlRefused, Ignored, JobEnded
from medkg_contracts.errors import OrderRefused
from medkg_contracts.kinds import Kind
from medkg_contracts.model import Contract
from medkg_contracts.orders import Order
from medkg_contracts.records import Record
from medkg_operations.control import Answer, answer_in, order_event

from .events_of import event

ORDER = order_event(Kind.CONTROL_CANCEL, "j-1", Order(by="ann"), source="/test")


def answer(kind: Kind, data: Contract | None = None, cause: str = ORDER.id, source: str = "/test") -> Answer | None:
    said = event(kind, "j-1", None, data, causationid=cause, causationsource=source)
    return answer_in(record_of(said), {ORDER.id: ORDER})


def record_of(said: CloudEvent) -> Record:
    return Record("orchestration.events.v1", 0, 0, 0, b"j-1", said.data, to_headers(said))


def ignored(reason: str) -> Ignored:
    return Ignored.model_validate({"reason": reason, "type": "t", "topic": "jobs.control.v1", "event_id": ORDER.id})


REFUSED = ControlRefused(type="t", event_id=ORDER.id, error=OrderRefused("the ledger knows no job 'j-1'").info)


@pytest.mark.parametrize(
    ("kind", "data", "result", "obeyed"),
    [
        (Kind.JOB_CANCELLED, JobEnded(), "cancelled", True),
        (Kind.CONTROL_REFUSED, REFUSED, "refused", False),
        (Kind.EVENT_IGNORED, ignored("duplicate"), "unchanged", True),
        (Kind.EVENT_IGNORED, ignored("job_ended"), "refused", False),
    ],
)
def test_an_order_is_answered(kind, data, result, obeyed):
    """The router does it, refuses it, or says that it is so already or cannot be any more."""
    given = answer(kind, data)
    assert given is not None
    assert (result, obeyed) == (given.result, given.obeyed)


@pytest.mark.parametrize(
    ("kind", "data", "cause"),
    [
        (Kind.JOB_CANCELLED, JobEnded(), "another"),
        (Kind.STAGE_DROPPED, None, ORDER.id),
        (Kind.EVENT_IGNORED, ignored("foreign"), ORDER.id),
        (Kind.CONTROL_REFUSED, JobEnded(stage="x"), ORDER.id),
    ],
)
def test_other_events_answer_nothing(kind, data, cause):
    """An event with another cause, of another kind, or that cannot be read is no answer."""
    assert answer(kind, data, cause) is None


def test_the_answer_to_anothers_order_of_the_same_id_is_none_of_ours():
    """An order is known by its source and id."""
    assert (None, True) == (
        answer(Kind.JOB_CANCELLED, source="/somebody"),
        answer(Kind.JOB_CANCELLED) is not None,
    )


def test_a_record_that_is_no_event_answers_nothing():
    """Poison on the lifecycle topic is passed over."""
    assert answer_in(Record("orchestration.events.v1", 0, 0, 0, None, b"?", []), {ORDER.id: ORDER}) is None
