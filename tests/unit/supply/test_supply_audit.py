"""The real `uv audit` and `npm audit`, asking services of our own."""

import gzip
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import pytest
from medkg_supply.audit import Answer, NotAsked, ask_npm, ask_uv

ADVISORY = "GHSA-xxxx-yyyy-zzzz"
PROJECT = """
[project]
name = "mini"
version = "1"
requires-python = ">=3.11"
dependencies = ["jinja2"]
"""
LOCK = """
version = 1
revision = 3
requires-python = ">=3.11"

[[package]]
name = "jinja2"
version = "3.1.2"
source = { registry = "http://127.0.0.1:9/simple" }
sdist = { url = "http://127.0.0.1:9/jinja2-3.1.2.tar.gz", hash = "sha256:{digest}" }

[[package]]
name = "mini"
version = "1"
source = { virtual = "." }
dependencies = [{ name = "jinja2" }]

[package.metadata]
requires-dist = [{ name = "jinja2" }]
"""
PACKAGE = {"name": "mini", "version": "1.0.0", "dependencies": {"left": "5.0.0"}}
PACKAGE_LOCK = PACKAGE | {
    "lockfileVersion": 3,
    "packages": {"": PACKAGE, "node_modules/left": {"version": "5.0.0", "license": "MIT"}},
}


class Knowing(BaseHTTPRequestHandler):
    """Speaks as OSV and as npm's registry do about one advisory in jinja2 and one in left."""

    knows: ClassVar[bool] = True
    refuses: ClassVar[bool] = False

    def do_POST(self) -> None:
        """Answer which packages of many are vulnerable."""
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.refuses:
            self.send_error(405)
        elif "querybatch" in self.path:
            count = len(json.loads(body)["queries"])
            self._answer({"results": [{"vulns": [{"id": ADVISORY, "modified": "2026-01-01T00:00:00Z"}]}] * count})
        else:
            asked = json.loads(gzip.decompress(body))
            url = f"https://advisories.invalid/{ADVISORY}"
            found = {"id": 1, "url": url, "title": "bad", "severity": "high", "vulnerable_versions": "<6"}
            self._answer({name: [found] for name in asked} if self.knows else {})

    def do_GET(self) -> None:
        """Tell an advisory; packages are not found."""
        if "vulns" not in self.path:
            self.send_error(404)
            return
        affected = {
            "package": {"name": "jinja2", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.1.3"}]}],
        }
        self._answer({"id": ADVISORY, "modified": "2026-01-01T00:00:00Z", "summary": "bad", "affected": [affected]})

    def _answer(self, value: Any) -> None:
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Say nothing on standard error."""


@pytest.fixture
def service() -> Iterator[tuple[str, type[Knowing]]]:
    """Its address, and its class, whose attributes change what it says."""

    class Own(Knowing):
        pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Own)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", Own
    server.shutdown()
    server.server_close()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with both locks; the commands give up at once where nobody answers."""
    for name in ("UV_HTTP_RETRIES", "npm_config_fetch_retries"):
        monkeypatch.setenv(name, "0")
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "uv.lock").write_text(LOCK.replace("{digest}", "0" * 64))
    (tmp_path / "package.json").write_text(json.dumps(PACKAGE))
    (tmp_path / "package-lock.json").write_text(json.dumps(PACKAGE_LOCK))
    return tmp_path


def test_uv_tells_what_osv_knows(project: Path, service: tuple[str, type[Knowing]]) -> None:
    """Id, package, version and the fixed release arrive."""
    reply = ask_uv(project, "--service-url", service[0])

    assert isinstance(reply, Answer)
    found = [(v.ids, v.package, v.summary, v.remedy) for v in reply.vulnerabilities]
    assert [((ADVISORY,), "jinja2 3.1.2", "bad", "Upgrade to 3.1.3.")] == found
    assert 1 == reply.asked


def test_npm_tells_what_its_registry_knows(project: Path, service: tuple[str, type[Knowing]]) -> None:
    """Id, package, range and severity arrive."""
    reply = ask_npm(project, "--registry", service[0])

    assert isinstance(reply, Answer)
    found = [(v.ids, v.package, v.summary) for v in reply.vulnerabilities]
    assert [((ADVISORY,), "left (<6)", "bad (high)")] == found
    assert 1 == reply.asked


def test_npm_tells_that_nothing_is_known(project: Path, service: tuple[str, type[Knowing]]) -> None:
    """An answer without an advisory is an answer."""
    service[1].knows = False

    reply = ask_npm(project, "--registry", service[0])

    assert Answer(f"{project.name}/package-lock.json", 1, ()) == reply


def test_a_service_that_refuses_was_not_asked(project: Path, service: tuple[str, type[Knowing]]) -> None:
    """A registry without this service, as a mirror often is, gives no answer that could pass for a clean one."""
    service[1].refuses = True

    replies = [ask_uv(project, "--service-url", service[0]), ask_npm(project, "--registry", service[0])]

    assert [True, True] == [isinstance(reply, NotAsked) and "405" in reply.why for reply in replies]


def test_a_service_that_cannot_be_reached_was_not_asked(project: Path) -> None:
    """Nobody listens there."""
    nowhere = "http://127.0.0.1:9/"

    replies = [ask_uv(project, "--service-url", nowhere), ask_npm(project, "--registry", nowhere)]

    assert [NotAsked, NotAsked] == [type(reply) for reply in replies]
