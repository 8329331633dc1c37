import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from medkg_contracts.errors import ConfigurationError, ResourceUnavailable
from medkg_stack import Services
from medkg_stack.ports import free_port
from medkg_stack.probe import http_ok

# Answers as a service does.
SERVICE = """
import http.server, os, sys
class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path in ("/readyz", "/" + os.environ.get("MK_TEST_WORD", "")) else 404)
        self.end_headers()
    def log_message(self, *arguments): pass
port = int(os.environ["MK_METRICS_PORT"])
http.server.HTTPServer(("127.0.0.1", port), Health).serve_forever()
"""
FAILS = "raise SystemExit('MK_ACCELERATOR=cuda and no GPU')"


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def services(tmp_path: Path, lines: list[str]) -> Iterator[Services]:
    """Services whose programs are small doubles that stand before the real ones on the module path."""
    for name, code in {"replay": SERVICE, "chunk": SERVICE, "parse": FAILS}.items():
        package = tmp_path / "doubles" / f"medkg_{name}"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "app.py").write_text(code)
    environment = {
        "PYTHONPATH": str(tmp_path / "doubles"),
        "MK_REPLAY_PORT": str(free_port()),
        "MK_TEST_WORD": "hello",
    }
    services = Services(tmp_path, environment, lines.append)
    yield services
    services.stop()


def names(services: Services) -> list[str]:
    return [line.name for line in services.status() if line.running]


def test_a_service_is_started_and_ready(services: Services) -> None:
    """After start a service answers for its health at the port that is recorded beside its pid."""
    services.start(["chunk"])

    port = services.replicas(["chunk"])[0].metrics_port

    assert port is not None
    assert (["chunk-1"], True) == (names(services), http_ok(port, "/readyz"))


def test_a_service_gets_the_environment(services: Services) -> None:
    """The settings given for the services reach their processes."""
    services.start(["chunk"])

    assert http_ok(services.replicas(["chunk"])[0].metrics_port or 0, "/hello")


def test_what_answers_others_is_the_first(services: Services, lines: list[str]) -> None:
    """What the others call is ready before they start."""
    services.start(["chunk", "replay"])

    assert ["replay-1: ready", "services: starting chunk-1"] == [lines[1][:15], lines[2]]


def test_scaling_up_and_down(services: Services) -> None:
    """A service has exactly as many replicas as it was scaled to, each at its own port."""
    services.scale("chunk", 3)
    many = {replica.metrics_port for replica in services.replicas()}
    services.scale("chunk", 1)

    assert (3, ["chunk-1"]) == (len(many), names(services))


def test_starting_again_keeps_what_runs(services: Services) -> None:
    """A second start leaves running replicas as they are."""
    services.start(["chunk"])
    before = services.status()
    services.start(["chunk"])

    assert before == services.status()


def test_a_restart_gives_as_many_new_processes(services: Services) -> None:
    """A restart ends the replicas and starts the same number."""
    services.scale("chunk", 2)
    before = {line.pid for line in services.status()}
    services.restart("chunk")
    after = {line.pid for line in services.status()}

    assert (2, set()) == (len(after), before & after)


def test_a_killed_replica_shows_as_ended(services: Services) -> None:
    """A kill ends that replica and no other."""
    services.scale("chunk", 2)
    services.kill("chunk", 2)

    assert ["chunk-1"] == names(services)


def test_a_suspended_replica_answers_again_when_it_is_resumed(services: Services) -> None:
    """A replica that hangs runs and does not answer; resumed, it answers."""
    services.start(["chunk"])
    port = services.replicas(["chunk"])[0].metrics_port or 0

    services.suspend("chunk")
    hanging = (names(services), http_ok(port, "/readyz"))
    services.resume("chunk")

    assert ((["chunk-1"], False), True) == (hanging, http_ok(port, "/readyz"))


def test_killing_what_does_not_run_is_refused(services: Services) -> None:
    """A kill of a replica that is not there is a mistake, and is said to be one."""
    with pytest.raises(ConfigurationError, match="no running chunk-7"):
        services.kill("chunk", 7)


def test_a_service_that_refuses_to_start_says_why(services: Services) -> None:
    """The last words of a service that ends while starting are in the error."""
    with pytest.raises(ResourceUnavailable, match=r"(?s)parse-1 ended while starting.*MK_ACCELERATOR=cuda and no GPU"):
        services.start(["parse"])


def test_an_unknown_service_is_refused(services: Services) -> None:
    """A name that is none of the services' is refused with those that are."""
    with pytest.raises(ConfigurationError, match=r"No service is called 'chnk'; there are chunk, embed, extract"):
        services.start(["chnk"])


def test_replay_is_one(services: Services) -> None:
    """Replay has one port and therefore one replica."""
    with pytest.raises(ConfigurationError, match="replay cannot have 2 replicas"):
        services.scale("replay", 2)


def test_what_was_scaled_stays_so_until_it_is_stopped(services: Services) -> None:
    """A start that says no number starts what is missing of the last number; a stop forgets it."""
    services.scale("chunk", 3)
    services.kill("chunk", 2)
    services.start(["chunk"])
    again = names(services)
    services.stop(["chunk"])
    services.start(["chunk"])

    assert (["chunk-1", "chunk-2", "chunk-3"], ["chunk-1"]) == (again, names(services))


def test_each_replica_has_a_name_of_its_own(services: Services) -> None:
    """Replicas call themselves as `medkg ps` does, with the host."""
    services.scale("chunk", 2)

    assert [f"chunk-{number}@{socket.gethostname()}" for number in (1, 2)] == [
        Path(f"/proc/{line.pid}/environ").read_text().partition("MK_INSTANCE=")[2].partition("\0")[0]
        for line in services.status()
    ]
