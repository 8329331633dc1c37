"""A relay between a service and a server, that can be cut, silent or slow."""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

_BYTES: Final = 65_536


class Relay:
    """Hands on what comes to its port, and what is answered.

    Attributes:
        delay_s: so much later, in both directions.
    """

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._listener: asyncio.Server | None = None
        self._open = asyncio.Event()
        self._open.set()
        self._cut = False
        self._writers: set[asyncio.StreamWriter] = set()
        self.delay_s = 0.0

    async def __aenter__(self) -> Self:
        """Listen."""
        self._listener = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Listen no more, and close all connections."""
        if self._listener is not None:
            self._listener.close()
        self.mend()
        self.drop()

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._listener is not None
        return int(self._listener.sockets[0].getsockname()[1])

    def cut(self) -> None:
        """Close all connections, and each new one, until it is mended."""
        self._cut = True
        self.drop()

    def silence(self) -> None:
        """Take everything and hand on nothing, until it is mended."""
        self._open.clear()

    def mend(self) -> None:
        """Hand on again."""
        self._cut = False
        self._open.set()

    def drop(self) -> None:
        """Close all connections, as they are."""
        for writer in [*self._writers]:
            writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._cut:
            writer.transport.abort()
            return
        try:
            further, server = await asyncio.open_connection(*self._server)
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, server}
        self._writers |= ends
        try:
            await asyncio.gather(self._hand_on(reader, server), self._hand_on(further, writer))
        finally:
            self._writers -= ends

    async def _hand_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(_BYTES):
                await self._open.wait()
                await asyncio.sleep(self.delay_s)
                writer.write(data)
                await writer.drain()
        writer.close()
