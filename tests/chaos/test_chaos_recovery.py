"""When recovery counts as reached."""

import pytest

from .recovery import Told, silences, time_to_recover


@pytest.mark.parametrize(
    ("completions", "recovered"),
    [
        ([], None),
        ([98.0, 99.9], None),
        ([100.5, 101.0, 102.0], 0.5),
        ([99.0, 112.0, 113.0], 12.0),
        ([100.1, 100.2, 109.0, 110.0], 9.0),
        ([101.0, 105.0, 106.0, 120.0], 20.0),
        ([120.0, 100.1, 119.0], 19.0),
    ],
    ids=["nothing", "only before", "no pause", "a pause", "half-done jobs first", "two pauses", "unsorted"],
)
def test_recovery_is_the_end_of_the_last_pause(completions: list[float], recovered: float | None) -> None:
    """Recovered is who completes jobs and goes on doing so, counted from the fault."""
    assert recovered == time_to_recover(100.0, completions, pause_s=3.0)


def test_silences_tell_what_the_services_did_meanwhile() -> None:
    """A time without a completed job stands there with what was said in it; a short one does not."""
    told = [
        Told(101.0, "index", "stage.started"),
        Told(103.0, "chunk", "stage.completed"),
        Told(103.5, "chunk", "stage.completed"),
        Told(105.5, "chunk", "stage.completed"),
    ]

    assert [
        "0.0 to 5.0 s: 2 chunk stage.completed, 1 index stage.started",
        "6.0 to 9.0 s: nothing",
    ] == silences(100.0, [99.0, 106.0, 105.0, 109.0, 110.0], told, least_s=2.0)
