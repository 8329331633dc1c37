"""Latencies from the times at which a job's events were made. Pure."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from medkg_contracts.kinds import Kind


@dataclass(frozen=True, slots=True)
class Mark:
    """That something happened to a job, and when.

    Attributes:
        node: the stage; None for the job itself.
        at: seconds since 1970.
    """

    job_id: str
    kind: Kind
    node: str | None
    at: float


@dataclass(frozen=True, slots=True)
class Percentiles:
    """How a quantity is distributed, in milliseconds."""

    p50: float
    p95: float
    p99: float
    count: int


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed (nearest rank).

    Args:
        values: at least one, in any order.
        share: above 0, at most 1.
    """
    return sorted(values)[math.ceil(share * len(values)) - 1]


def percentiles(seconds: Sequence[float]) -> Percentiles:
    """The distribution of these durations."""
    p50, p95, p99 = (round(percentile(seconds, share) * 1000, 2) for share in (0.5, 0.95, 0.99))
    return Percentiles(p50, p95, p99, len(seconds))


def hops(marks: Iterable[Mark], stages: Sequence[str]) -> dict[str, Percentiles]:
    """The parts of a hop over all stages of all jobs.

    Args:
        marks: of whole jobs: each stage's request, start and completion, and the job's completion.
        stages: in the order in which a job passes them.
    """
    jobs: dict[str, dict[tuple[Kind, str | None], float]] = {}
    for mark in marks:
        jobs.setdefault(mark.job_id, {})[mark.kind, mark.node] = mark.at
    parts: dict[str, list[float]] = {"requested -> started": [], "started -> completed": [], "completed -> next": []}
    whole: list[float] = []
    for times in jobs.values():
        for stage, following in pairwise((*stages, None)):
            asked, began, ended, went_on = _hop(times, stage or "", following)
            parts["requested -> started"].append(began - asked)
            parts["started -> completed"].append(ended - began)
            parts["completed -> next"].append(went_on - ended)
            whole.append(went_on - asked)
    return {name: percentiles(seconds) for name, seconds in {**parts, "whole hop": whole}.items()}


def _hop(
    times: Mapping[tuple[Kind, str | None], float], stage: str, following: str | None
) -> tuple[float, float, float, float]:
    went_on = Kind.JOB_COMPLETED if following is None else Kind.STAGE_REQUESTED
    return (
        times[Kind.STAGE_REQUESTED, stage],
        times[Kind.STAGE_STARTED, stage],
        times[Kind.STAGE_COMPLETED, stage],
        times[went_on, following],
    )
