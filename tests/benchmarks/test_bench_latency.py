"""The arithmetic of the latencies."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medkg_contracts.kinds import Kind

from tests.benchmarks.latency import Mark, Percentiles, hops, percentile


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.95, 95), (0.99, 99), (1.0, 100)])
def test_percentile_is_the_value_of_nearest_rank(share: float, expected: int) -> None:
    """The p-th percentile of 1..100 is p."""
    assert expected == percentile(range(100, 0, -1), share)


@settings(max_examples=50)
@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 1))
def test_percentile_bounds_its_share_of_the_values(values: list[float], share: float) -> None:
    """At least the given share of the values is not above the percentile, which is one of them."""
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) / len(values) >= share - 1e-9


def test_hops_split_a_job_into_waiting_work_and_routing() -> None:
    """Each stage's hop goes from its request over start and completion to whatever is next."""
    marks = [
        Mark("j", Kind.STAGE_REQUESTED, "a", 10.000),
        Mark("j", Kind.STAGE_STARTED, "a", 10.001),
        Mark("j", Kind.STAGE_COMPLETED, "a", 10.003),
        Mark("j", Kind.STAGE_REQUESTED, "b", 10.007),
        Mark("j", Kind.STAGE_STARTED, "b", 10.008),
        Mark("j", Kind.STAGE_COMPLETED, "b", 10.010),
        Mark("j", Kind.JOB_COMPLETED, None, 10.014),
    ]
    expected = {
        "requested -> started": Percentiles(1.0, 1.0, 1.0, 2),
        "started -> completed": Percentiles(2.0, 2.0, 2.0, 2),
        "completed -> next": Percentiles(4.0, 4.0, 4.0, 2),
        "whole hop": Percentiles(7.0, 7.0, 7.0, 2),
    }
    assert expected == hops(marks, ["a", "b"])
