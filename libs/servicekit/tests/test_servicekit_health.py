"""Health over real HTTP, and the logs."""

import http.client
import json
import logging
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from medkg_servicekit import logs
from medkg_servicekit.health import HealthServer
from prometheus_client import Counter


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
    """Prometheus finds what the process counts."""
    Counter("health_test", "Counted by a test").inc()

    status, body = get(server, "/metrics")

    assert (200, True) == (status, "health_test_total 1.0" in body)


def test_another_path_is_not_found(server):
    """What is asked for elsewhere is answered with the paths that there are."""
    status, body = get(server, "/health")

    assert 404 == status
    assert "/livez" in json.loads(body)["problem"]


def test_a_client_that_says_nothing_keeps_nobody_waiting(server):
    """A connection that sends no request does not make the service look dead to others."""
    with socket.create_connection(("127.0.0.1", server.port)):
        assert 200 == get(server, "/livez")[0]


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
        "import logging; from medkg_servicekit import logs; logs.configure('shout', 'info');"
        "[logging.getLogger(n).info('chatter') for n in ('aiokafka', 'httpx', 'opensearch')];"
        "logging.getLogger('aiokafka.x').warning('trouble'); logging.getLogger('medkg').info('hello')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    lines = [json.loads(line) for line in done.stderr.splitlines()]

    assert (["trouble", "hello"], "") == ([line["message"] for line in lines], done.stdout)


def test_a_log_line_is_one_json_object_with_the_fields_of_what_is_done():
    """Within a piece of work every line names it; a line with line breaks in it stays one line."""
    formatter = logs.JsonFormatter("shout")
    record = logging.LogRecord("medkg", logging.WARNING, "x.py", 1, "two\nlines of %s", ("text",), None)

    with logs.fields({"job_id": "j-1"}), logs.fields({"stage": "shout"}):
        inside = formatter.format(record)
    outside = formatter.format(record)

    assert "\n" not in inside
    assert {
        "level": "warning",
        "service": "shout",
        "logger": "medkg",
        "message": "two\nlines of text",
        "job_id": "j-1",
        "stage": "shout",
    }.items() <= json.loads(inside).items()
    assert "job_id" not in json.loads(outside)
