"""A server that answers as vLLM's does to those who want sparse weights, over real HTTP."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import numpy as np
from medkg_models.sparse_text import SparseVocabulary

NAME = "a/splade"


@dataclass
class FakeVllm:
    """Each token weighs its number's last digit, and further terms nothing.

    Attributes:
        memory: of more windows than these at once the GPU is out of memory.
        status: what everything is answered with; 200 is normal.
        width: numbers of a row; None is one a term.
        renamed: what its tokenizer calls the tokens.
        batches: how many windows each request had.
        root: where the model is.
    """

    vocabulary: SparseVocabulary
    memory: int = 100
    status: int = 200
    width: int | None = None
    renamed: dict[str, str] = field(default_factory=dict)
    batches: list[int] = field(default_factory=list)
    root: str = "/models/splade"

    def answer(self, path: str, body: Any) -> tuple[int, Any]:
        """The status, and what is said."""
        if self.status != 200:
            return self.status, {"error": {"message": "no"}}
        if path == "/v1/models":
            return 200, {"data": [{"id": NAME, "root": self.root, "max_model_len": 512}]}
        if path == "/tokenize":
            (window,) = self.vocabulary.windows([body["prompt"]])
            terms = [self.vocabulary.terms[number] for number in window.ids]
            return 200, {"tokens": window.ids, "token_strs": [self.renamed.get(term, term) for term in terms]}
        self.batches.append(len(body["input"]))
        if len(body["input"]) > self.memory:
            return 500, {"error": {"message": "CUDA out of memory. Tried to allocate 2.00 GiB."}}
        return 200, {"data": [{"index": each, "data": self._row(ids)} for each, ids in enumerate(body["input"])]}

    def _row(self, ids: list[int]) -> str:
        row = np.zeros(self.width or len(self.vocabulary.terms), "<f4")
        for number in ids:
            row[number % len(row)] = number % 10
        return base64.b64encode(row.tobytes()).decode()


@contextmanager
def serving(fake: FakeVllm) -> Iterator[str]:
    """The address at which it answers."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(None)

        def do_POST(self) -> None:
            self._answer(json.loads(self.rfile.read(int(self.headers["content-length"]))))

        def _answer(self, body: Any) -> None:
            status, said = fake.answer(self.path, body)
            content = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
