"""A server that answers as vLLM does, for tests: its vectors follow from the texts, its tokens are words."""

import base64
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import orjson


class FakeVllm:
    """What the server is to be like; it may be changed while it runs.

    Attributes:
        name: of the model that it serves.
        root: where it says that it has the model from.
        dimension: of its vectors.
        max_tokens: words of the longest input.
        fits: how many texts fit in its memory at once.
        down: it answers 503.
        requests: how many texts each request for embeddings had.
    """

    def __init__(self) -> None:
        self.name = "Qwen/Qwen3-Embedding-0.6B"
        self.root = "/models/qwen3"
        self.dimension = 8
        self.max_tokens = 16
        self.fits = 1000
        self.down = False
        self.requests: list[int] = []
        self.texts: list[str] = []
        self.url = ""

    def vector(self, text: str) -> bytes:
        """The vector of a text, not normalised: 32-bit floats."""
        words = " ".join(text.split()[: self.max_tokens])
        seed = int.from_bytes(hashlib.sha256(words.encode()).digest()[:8])
        return (np.random.default_rng(seed).standard_normal(self.dimension) * 3).astype("<f4").tobytes()

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """The status and the body of an answer."""
        if self.down:
            return 503, {"error": {"message": "the engine is dead"}}
        if path == "/v1/models":
            return 200, {"data": [{"id": self.name, "root": self.root, "created": 1}]}
        if path == "/tokenize":
            return 200, {"count": len(str(body["prompt"]).split())}
        return self._embeddings(body)

    def _embeddings(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        texts: list[str] = body["input"]
        self.requests.append(len(texts))
        self.texts += texts
        if body["model"] != self.name:
            return 404, {"error": {"message": f"The model `{body['model']}` does not exist."}}
        if len(texts) > self.fits:
            return 500, {"error": {"message": "CUDA out of memory. Tried to allocate 2.00 GiB."}}
        longest = max(len(text.split()) for text in texts)
        if longest > self.max_tokens and "truncate_prompt_tokens" not in body:
            said = f"This model's maximum context length is {self.max_tokens} tokens. However, you requested {longest}"
            return 400, {"error": {"message": said}}
        vectors = [base64.b64encode(self.vector(text)).decode() for text in texts]
        return 200, {"data": [{"index": number, "embedding": each} for number, each in enumerate(vectors)]}


@contextmanager
def fake_vllm(served: FakeVllm | None = None) -> Iterator[FakeVllm]:
    """The server, at its `url`; its own, unless one is given."""
    fake = served or FakeVllm()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            self._answer(orjson.loads(self.rfile.read(int(self.headers["content-length"]))))

        def _answer(self, body: dict[str, Any]) -> None:
            status, answer = fake.answer(self.path, body)
            content = orjson.dumps(answer)
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    fake.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
