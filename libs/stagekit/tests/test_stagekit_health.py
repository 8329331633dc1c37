"""Health over real HTTP, and the logs."""

import http.client
import json
import logging
import socket
import subprocess
import sys
from collections.abc import Iterator
from time import monotonic

import pytest
from medkg_bus.progress import Progress
from medkg_bus.shutdown import ShutdownSignal
from medkg_stagekit import logs, metrics
from medkg_stagekit.guard import BreakerState
from medkg_stagekit.health import HealthServer

from .fakes import work_of


class Doctor:
    """What the checks say; may be changed."""

    alive: str | None = None
    ready: str | None = "no partitions assigned yet"


@pytest.fixture
def doctor() -> Doctor:
    return Doctor()


@pytest.fixture
def server(doctor: Doctor) -> Iterator[HealthServer]:
    server = HealthServer("127.0.0.1", 0, lambda: doctor.alive, lambda: doctor.ready)
    yield server
    server.close()


def get(server: HealthServer, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_a_check_that_passes_is_ok(server):
    """A service that gets on is alive."""
    status, body = get(server, "/livez")

    assert (200, {"ok": True, "problem": None}) == (status, json.loads(body))


def test_a_check_that_fails_says_why(server, doctor):
    """A service that is not ready says what it waits for, and is ready as soon as it is."""
    status, body = get(server, "/readyz")
    assert (503, {"ok": False, "problem": "no partitions assigned yet"}) == (status, json.loads(body))

    doctor.ready = None
    assert 200 == get(server, "/readyz")[0]


def test_metrics_are_those_of_the_process(server):
    """Prometheus finds the stage's executions and the refused records."""
    metrics.executed("health-test", "completed", 12.0, 3.0)
    metrics.retried("health-test", "timeout")
    metrics.deferred("health-test", "source_unavailable")
    metrics.dropped("health-test")
    metrics.breaker("health-test", "patient", BreakerState.OPEN)
    metrics.rate_waited("health-test", "patient", 0.5)
    metrics.refused("health.queue.v1", "poison")

    status, body = get(server, "/metrics")

    assert 200 == status
    assert 'medkg_stage_executions_total{outcome="completed",stage="health-test"} 1.0' in body
    assert 'medkg_stage_retries_total{reason="timeout",stage="health-test"} 1.0' in body
    assert 'medkg_stage_deferred_total{reason="source_unavailable",stage="health-test"} 1.0' in body
    assert 'medkg_stage_dropped_total{stage="health-test"} 1.0' in body
    assert 'medkg_breaker_state{policy="patient",service="health-test"} 2.0' in body
    assert 'medkg_rate_limit_wait_seconds_sum{policy="patient",service="health-test"} 0.5' in body
    assert 'medkg_records_refused_total{code="poison",topic="health.queue.v1"} 1.0' in body


def test_another_path_is_not_found(server):
    """What is asked for elsewhere is answered with the paths that there are."""
    status, body = get(server, "/health")

    assert 404 == status
    assert "/livez" in json.loads(body)["problem"]


def test_a_client_that_says_nothing_keeps_nobody_waiting(server):
    """A connection that sends no request does not make the service look dead to others."""
    with socket.create_connection(("127.0.0.1", server.port)):
        assert 200 == get(server, "/livez")[0]


def test_a_long_batch_is_progress_until_it_is_too_long():
    """A batch may take its time; a service is stuck only when it takes longer than it may."""
    calm, late = Progress(60, ShutdownSignal()), Progress(-1, ShutdownSignal())
    for progress in (calm, late):
        progress.batch(began=True)

    assert 0.0 == calm.stuck_for
    assert 1.0 <= late.stuck_for

    late.batch(began=False)
    assert 0.0 == late.stuck_for


async def test_a_deliberate_wait_is_progress():
    """A batch that waits on purpose is not stuck, however old it is; one that has stopped waiting soon is."""
    shutdown = ShutdownSignal()
    progress = Progress(-1, shutdown)
    progress.batch(began=True)
    before = progress.stuck_for

    shutdown.waited_at = monotonic() + 10

    assert (True, 0.0) == (before >= 1.0, progress.stuck_for)


def test_a_log_line_is_one_json_object_with_the_jobs_ids():
    """Within a job every line names it; a line with line breaks in it stays one line."""
    formatter = logs.JsonFormatter("shout")
    record = logging.LogRecord("medkg", logging.WARNING, "x.py", 1, "two\nlines of %s", ("text",), None)

    with logs.job_fields(work_of(traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01")):
        inside = formatter.format(record)
    outside = formatter.format(record)

    assert "\n" not in inside
    assert {
        "level": "warning",
        "service": "shout",
        "logger": "medkg",
        "message": "two\nlines of text",
        "job_id": "j-1",
        "tenant_id": "public",
        "correlation_id": "c-1",
        "stage": "shout",
        "trace_id": "a" * 32,
    }.items() <= json.loads(inside).items()
    assert "job_id" not in json.loads(outside)


def test_an_exception_is_part_of_its_line():
    """A stack trace stands in the line's ``error``, whatever characters are in it."""
    try:
        raise ValueError("lone \ud800 surrogate")
    except ValueError:
        record = logging.LogRecord("medkg", logging.ERROR, "x.py", 1, "failed", (), sys.exc_info())

    entry = json.loads(logs.JsonFormatter("shout").format(record))

    assert "ValueError: lone" in entry["error"]


def test_all_logs_go_to_standard_error_as_json():
    """A service's own lines and its libraries' are JSON on standard error; the libraries' chatter is left out."""
    code = (
        "import logging; from medkg_stagekit import logs; logs.configure('shout', 'info');"
        "[logging.getLogger(n).info('chatter') for n in ('aiokafka', 'httpx', 'opensearch')];"
        "logging.getLogger('aiokafka.x').warning('trouble'); logging.getLogger('medkg').info('hello')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    lines = [json.loads(line) for line in done.stderr.splitlines()]

    assert (["trouble", "hello"], "") == ([line["message"] for line in lines], done.stdout)
