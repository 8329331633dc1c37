"""Prometheus metrics of a stage service."""

from functools import lru_cache

from prometheus_client import Counter, Histogram

_EXECUTIONS = Counter("medkg_stage_executions_total", "Stage executions that ended", ["stage", "outcome"])
_RETRIES = Counter("medkg_stage_retries_total", "Tries repeated in place", ["stage"])
_DURATION = Histogram("medkg_stage_duration_seconds", "Duration of the last attempt", ["stage"])
_WAITED = Histogram("medkg_stage_waited_seconds", "Time between the request for work and its start", ["stage"])
_REFUSED = Counter("medkg_records_refused_total", "Records sent to a DLQ", ["topic", "code"])


@lru_cache(maxsize=4096)
def _children(stage: str) -> tuple[Histogram, Histogram, Counter]:
    return _DURATION.labels(stage), _WAITED.labels(stage), _RETRIES.labels(stage)


@lru_cache(maxsize=4096)
def _outcomes(stage: str, outcome: str) -> Counter:
    return _EXECUTIONS.labels(stage, outcome)


def executed(stage: str, outcome: str, duration_ms: float, waited_ms: float, retries: int) -> None:
    """Count one execution; `outcome` is ``completed``, ``skipped`` or an error's code."""
    duration, waited, retried = _children(stage)
    duration.observe(duration_ms / 1000)
    waited.observe(waited_ms / 1000)
    if retries:
        retried.inc(retries)
    _outcomes(stage, outcome).inc()


def refused(topic: str, code: str) -> None:
    """Count a record that went to a DLQ."""
    _REFUSED.labels(topic, code).inc()
