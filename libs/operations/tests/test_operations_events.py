"""Which events are meant."""

import pytest
from medkg_contracts.kinds import Kind
from medkg_contracts.records import Record
from medkg_operations.events import EventFilter

from .events_of import event

POISON = Record("orchestration.events.v1", 3, 17, 0, b"j-1", b"garbage", [])


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        (EventFilter(), True),
        (EventFilter(job="j-1"), True),
        (EventFilter(job="j-2"), False),
        (EventFilter(batch="b-1"), True),
        (EventFilter(tenant="acme"), False),
        (EventFilter(stage="parse"), True),
        (EventFilter(stage="chunk"), False),
        (EventFilter(type="stage.completed"), True),
        (EventFilter(type="org.medicalkg.orchestration.stage.completed"), True),
        (EventFilter(type="completed"), False),
        (EventFilter(job="j-1", stage="chunk"), False),
    ],
)
def test_filters_must_all_fit(wanted, fits):
    """An event is shown when it fits every filter that is given."""
    one = event(Kind.STAGE_COMPLETED, "j-1", "parse", correlationid="b-1")
    assert fits == wanted.fits(one)


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        (EventFilter(), True),
        (EventFilter(job="j-1"), True),
        (EventFilter(job="j-2"), False),
        (EventFilter(stage="parse"), False),
    ],
)
def test_a_record_that_is_no_event_is_shown_by_its_key(wanted, fits):
    """Of a record that is no event only the key is known, so only the job's filter can fit it."""
    assert fits == wanted.fits_unreadable(POISON)
