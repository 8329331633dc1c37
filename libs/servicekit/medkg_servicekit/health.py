"""``/metrics``, ``/livez`` and ``/readyz`` over HTTP, from a thread of its own, so that a blocked loop shows."""

import threading
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import orjson
from prometheus_client import make_wsgi_app

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

#: Returns None when all is well, or what is wrong.
Check = Callable[[], str | None]


class _Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - the parent's signature
        """Requests are not logged: probes come every few seconds."""


class _Server(ThreadingMixIn, WSGIServer):
    """One thread a request, so that a client that says nothing keeps nobody from an answer."""

    daemon_threads = True
    block_on_close = False


class HealthServer:
    """The service's HTTP port.

    Args:
        host: the address to listen on.
        port: 0 takes a free one; see `port` afterwards.
        alive: liveness: does it get on?
        ready: readiness: is it connected and assigned?
    """

    def __init__(self, host: str, port: int, alive: Check, ready: Check) -> None:
        metrics = make_wsgi_app()
        checks = {"/livez": alive, "/readyz": ready}

        def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
            path = environ.get("PATH_INFO", "")
            if path == "/metrics":
                exposition: Iterable[bytes] = metrics(environ, start_response)
                return exposition
            check = checks.get(path)
            problem = "unknown path: /metrics, /livez and /readyz are served" if check is None else check()
            status = "404 Not Found" if check is None else "503 Service Unavailable" if problem else "200 OK"
            start_response(status, [("Content-Type", "application/json")])
            return [orjson.dumps({"ok": problem is None, "problem": problem})]

        self._server = make_server(host, port, app, server_class=_Server, handler_class=_Silent)
        self._thread = threading.Thread(target=self._server.serve_forever, name="health", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return self._server.server_port

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
