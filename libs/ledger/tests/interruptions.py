"""What goes wrong between a client and its Redis."""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from redis.asyncio import ConnectionPool, Redis


class CuttingProxy:
    """Stands between a client and Redis, and cuts the first connection on which a certain command is answered.

    Attributes:
        cuts: how many connections it has cut.
    """

    def __init__(self, url: str, cut_after: bytes) -> None:
        self._redis = urlsplit(url).port
        self._command = cut_after
        self._tasks: set[asyncio.Task[None]] = set()
        self.cuts = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        await asyncio.gather(*self._tasks)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/0"

    async def _serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        self._tasks.add(asyncio.ensure_future(self._converse(client, to_client)))

    async def _converse(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        """Pass on what is said in turns: a request, its answer."""
        server, to_server = await asyncio.open_connection("127.0.0.1", self._redis)
        while request := await client.read(65536):
            to_server.write(request)
            answer = await server.read(65536)
            if self._command in request and not self.cuts:
                self.cuts += 1
                break
            to_client.write(answer)
        for writer in (to_client, to_server):
            writer.close()
            await writer.wait_closed()


class BusyRedis(Redis):
    """A client beside which somebody else does something: after its first read of an index."""

    meanwhile: Callable[[], Awaitable[None]] | None = None

    @classmethod
    def beside(cls, url: str, meanwhile: Callable[[], Awaitable[None]]) -> "BusyRedis":
        """A client of the Redis at this URL, and what the other one does."""
        client = cls(connection_pool=ConnectionPool.from_url(url))
        client.meanwhile = meanwhile
        return client

    async def zrevrangebyscore(self, *args: Any, **options: Any) -> Any:
        """Read, then let the other one act."""
        rows = await super().zrevrangebyscore(*args, **options)
        act, self.meanwhile = self.meanwhile, None
        if act is not None:
            await act()
        return rows


class SilentRedis(Redis):
    """A client whose calls end with an error that says nothing."""

    async def set(self, *_: Any, **__: Any) -> Any:
        """End without a word."""
        raise TimeoutError
