"""What a stage's service counts and logs."""

import json
import logging

from medkg_servicekit import logs
from medkg_stagekit import metrics
from medkg_stagekit.guard import BreakerState
from medkg_stagekit.work import job_fields
from prometheus_client import generate_latest

from .fakes import work_of


def test_what_a_stage_does_is_counted():
    """Prometheus finds the stage's executions and the refused records."""
    metrics.executed("health-test", "completed", 12.0, 3.0)
    metrics.retried("health-test", "timeout")
    metrics.deferred("health-test", "source_unavailable")
    metrics.dropped("health-test")
    metrics.breaker("health-test", "patient", BreakerState.OPEN)
    metrics.rate_waited("health-test", "patient", 0.5)

    body = generate_latest().decode()

    assert 'medkg_stage_executions_total{outcome="completed",stage="health-test"} 1.0' in body
    assert 'medkg_stage_retries_total{reason="timeout",stage="health-test"} 1.0' in body
    assert 'medkg_stage_deferred_total{reason="source_unavailable",stage="health-test"} 1.0' in body
    assert 'medkg_stage_dropped_total{stage="health-test"} 1.0' in body
    assert 'medkg_breaker_state{policy="patient",service="health-test"} 2.0' in body
    assert 'medkg_rate_limit_wait_seconds_sum{policy="patient",service="health-test"} 0.5' in body


def test_a_log_line_names_the_job():
    """Within a job every line carries its ids."""
    record = logging.LogRecord("medkg", logging.WARNING, "x.py", 1, "text", (), None)

    with job_fields(work_of(traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01")):
        line = json.loads(logs.JsonFormatter("shout").format(record))

    assert {
        "job_id": "j-1",
        "tenant_id": "public",
        "correlation_id": "c-1",
        "stage": "shout",
        "trace_id": "a" * 32,
    }.items() <= line.items()
