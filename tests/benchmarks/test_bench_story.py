"""Whether the lifecycle events are exact."""

from tests.benchmarks.story import expected, faults

_WANTED = expected(["j1", "j2"], ["a"])


def test_a_job_of_one_stage_has_four_events() -> None:
    """Accepted, started, completed, and completed as a whole."""
    assert 2 * 4 == len(_WANTED)


def test_a_complete_story_has_no_fault() -> None:
    """Every event once, in any order."""
    assert [] == faults(sorted(_WANTED, key=str), _WANTED)


def test_a_missing_event_is_told() -> None:
    """An event that did not come is named."""
    gone = next(iter(_WANTED))
    assert [f"missing: {gone}"] == faults(_WANTED - {gone}, _WANTED)


def test_an_event_that_came_twice_is_told() -> None:
    """A duplicate is named with its number."""
    twice = next(iter(_WANTED))
    assert [f"2 x, expected 1: {twice}"] == faults([*_WANTED, twice], _WANTED)


def test_a_foreign_event_is_told() -> None:
    """An event that nobody expects is named."""
    foreign = ("j3", "some.type", None)
    assert [f"not expected: {foreign}"] == faults([*_WANTED, foreign], _WANTED)
