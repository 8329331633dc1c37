"""When a new version is taken back, and which jobs take it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medkg_contracts.data import VersionFigures
from medkg_router.rollout import slot, worse


def figures(jobs: int = 100, failed: int = 0, p95_ms: float = 100.0) -> VersionFigures:
    """The figures of a version."""
    return VersionFigures(digest="a" * 64, jobs=jobs, failed=failed, p50_ms=p95_ms / 2, p95_ms=p95_ms)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (figures(), figures()),
        (figures(), figures(jobs=19, failed=19)),
        (figures(), figures(jobs=100, failed=5)),
        (figures(failed=10), figures(failed=10)),
        (figures(), figures(p95_ms=200.0)),
        (figures(jobs=19), figures(p95_ms=1000.0)),
        (figures(jobs=0, p95_ms=0.0), figures(p95_ms=1000.0)),
    ],
    ids=[
        "both alike",
        "too few jobs",
        "5 percent failed",
        "as many failed before",
        "twice as slow",
        "too few old jobs",
        "no old jobs",
    ],
)
def test_nothing_speaks_against_the_new_version(old: VersionFigures, new: VersionFigures) -> None:
    """Within the limits, or with too few jobs to say, a rollout goes on."""
    assert worse(old, new) is None


def test_more_than_five_percent_failed() -> None:
    """More than 5 percent failed jobs, and more than before, are a reason, with the numbers."""
    assert "6 of 100 jobs failed (6.0%); the old version's rate is 1.0%" == worse(figures(failed=1), figures(failed=6))


def test_more_than_twice_as_slow() -> None:
    """A 95th percentile of more than twice the old one is a reason, with the numbers."""
    reason = worse(figures(), figures(p95_ms=201.0))

    assert "its 95th percentile is 201 ms; the old version's is 100 ms" == reason


@given(st.text(min_size=1, max_size=40))
def test_a_job_always_has_the_same_slot(job_id: str) -> None:
    """Which version a job takes does not change when it is asked for again."""
    assert slot(job_id) == slot(job_id)
    assert 0 <= slot(job_id) < 100


def test_slots_are_spread_evenly() -> None:
    """Of many jobs, about as many fall below a percentage as it says."""
    below = sum(slot(f"job-{number}") < 10 for number in range(10_000))

    assert 900 <= below <= 1100
