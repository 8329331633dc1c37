"""Which run of a stage an event or a record is about."""

import pytest
from medkg_contracts.cloudevents import Header
from medkg_contracts.records import Record
from medkg_contracts.runs import StageRun, is_about, run_asked_for

NAMED: list[Header] = [("ce_jobid", b"j-1"), ("ce_stage", b"parse"), ("ce_epoch", b"2")]


def record(*headers: Header) -> Record:
    """A record of a stage's queue."""
    return Record("parse.queue.v1", 0, 0, 0, b"j-1", b"{}", headers)


def test_a_queue_record_names_the_run() -> None:
    """A record of a stage's queue says which run of it is asked for."""
    assert StageRun("j-1", "parse", 2) == run_asked_for(record(*NAMED))


@pytest.mark.parametrize("headers", [[], NAMED[:2], [*NAMED[:2], ("ce_epoch", b"x")], [("ce_jobid", None), *NAMED[1:]]])
def test_another_record_asks_for_no_run(headers: list[Header]) -> None:
    """A record that does not name all of job, stage and run asks for none."""
    assert run_asked_for(record(*headers)) is None


@pytest.mark.parametrize(
    ("attributes", "about"),
    [
        ({"stage": "parse", "epoch": "2"}, True),
        ({"stage": "parse"}, True),
        ({"stage": "parse", "epoch": "1"}, False),
        ({"stage": "chunk", "epoch": "2"}, False),
        ({}, False),
    ],
)
def test_an_event_without_a_run_is_about_the_present_one(attributes: dict[str, str], about: bool) -> None:
    """An event is about the run that it names; an outside system names none and means the present one."""
    assert about == is_about(attributes, "parse", 2)
