"""The targets."""

import pytest

from tests.benchmarks.targets import Verdict, verdicts


@pytest.mark.parametrize(
    ("measured", "at_least", "expected"), [(9, True, False), (10, True, True), (10, False, True), (11, False, False)]
)
def test_a_target_is_reached_on_its_own_side(measured: float, expected: bool, *, at_least: bool) -> None:
    """A least value is reached from above, a bound from below."""
    assert expected == Verdict("", measured, 10, "", at_least=at_least).reached


def test_every_service_is_judged() -> None:
    """Throughput, shares and latency once; idle time and memory once a service, by the weights of its model."""
    found = verdicts(
        jobs_per_s=400,
        share=0.3,
        policies_cost=0.06,
        p95_ms=100,
        idle={"router": 0.01, "parse": 0.03},
        rss_mb={"parse": 90, "chunk": 330, "embed": 330, "splade": 341},
        weights_mb={"embed": 10, "splade": 10},
        share_with_vectors=0.49,
    )
    expected = {
        "throughput": True,
        "share of the bare relay": True,
        "cost of policies": False,
        "whole job, p95": True,
        "idle router": True,
        "idle parse": False,
        "memory parse": True,
        "memory chunk": False,
        "memory embed": True,
        "memory splade": False,
        "documents with vectors": False,
    }
    assert expected == {verdict.name: verdict.reached for verdict in found}
