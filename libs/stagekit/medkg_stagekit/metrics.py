"""Prometheus metrics of a stage service."""

from functools import lru_cache

from prometheus_client import Counter, Gauge, Histogram

from .guard import BreakerState

_EXECUTIONS = Counter("medkg_stage_executions_total", "Stage executions that ended", ["stage", "outcome"])
_RETRIES = Counter("medkg_stage_retries_total", "Tries repeated in place, by the error before", ["stage", "reason"])
_DEFERRED = Counter("medkg_stage_deferred_total", "Tries left to the router's timer", ["stage", "reason"])
_DROPPED = Counter("medkg_stage_dropped_total", "Work of cancelled jobs that was not finished", ["stage"])
_DURATION = Histogram("medkg_stage_duration_seconds", "Duration of the last attempt", ["stage"])
_WAITED = Histogram("medkg_stage_waited_seconds", "Time between the request for work and its start", ["stage"])
_BREAKER = Gauge("medkg_breaker_state", "0 closed, 1 half-open, 2 open, as last seen", ["service", "policy"])
_RATE = Histogram("medkg_rate_limit_wait_seconds", "Time waited for the rate limit", ["service", "policy"])
_LONG = Gauge("medkg_compute_long_jobs", "Calls that have been computing for more than a second", ["service"])
_FULL = Gauge("medkg_compute_full", "1 while long jobs hold all workers, so that new work waits", ["service"])

_STATES = {BreakerState.CLOSED: 0, BreakerState.HALF_OPEN: 1, BreakerState.OPEN: 2}


@lru_cache(maxsize=4096)
def _children(stage: str) -> tuple[Histogram, Histogram]:
    return _DURATION.labels(stage), _WAITED.labels(stage)


@lru_cache(maxsize=4096)
def _outcomes(stage: str, outcome: str) -> Counter:
    return _EXECUTIONS.labels(stage, outcome)


def executed(stage: str, outcome: str, duration_ms: float, waited_ms: float) -> None:
    """Count one execution; `outcome` is ``completed``, ``skipped`` or an error's code."""
    duration, waited = _children(stage)
    duration.observe(duration_ms / 1000)
    waited.observe(waited_ms / 1000)
    _outcomes(stage, outcome).inc()


def retried(stage: str, code: str) -> None:
    """Count a try that is repeated in place because of this error."""
    _RETRIES.labels(stage, code).inc()


def deferred(stage: str, code: str) -> None:
    """Count a try that is left to the router's timer because of this error."""
    _DEFERRED.labels(stage, code).inc()


def dropped(stage: str) -> None:
    """Count work that nobody wants any more."""
    _DROPPED.labels(stage).inc()


def breaker(service: str, policy: str, state: BreakerState) -> None:
    """Show the state of the breaker that the service's replicas share."""
    _BREAKER.labels(service, policy).set(_STATES[state])


def rate_waited(service: str, policy: str, seconds: float) -> None:
    """Note how long executions have to wait for the rate limit."""
    _RATE.labels(service, policy).observe(seconds)


def long_jobs(service: str, count: int, full: bool) -> None:
    """Show how many calls take long, and whether they leave no worker for others."""
    _LONG.labels(service).set(count)
    _FULL.labels(service).set(full)
