"""Stand between a client and a server, and part them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

_CHUNK = 65_536


@dataclass
class Proxy:
    """Pass bytes on to a port of the loopback, unless told otherwise."""

    target: int
    port: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _is_open: asyncio.Event = field(default_factory=asyncio.Event)
    _is_refusing: bool = False

    def cut(self) -> None:
        """End every connection at once, and take no new one."""
        self._is_refusing = True
        for writer in self._writers:
            writer.transport.abort()

    def hold(self) -> None:
        """Pass nothing on, either way, and say nothing: as where a network is parted."""
        self._is_open.clear()

    def mend(self) -> None:
        """Pass everything on again, also what was held."""
        self._is_refusing = False
        self._is_open.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Join one client with the server."""
        try:
            if not self._is_refusing:
                await self._is_open.wait()
            if not self._is_refusing:
                await self._join(reader, writer)
        finally:
            writer.transport.abort()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            return
        self._writers |= {writer, there[1]}
        try:
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._pass_on(reader, there[1]))
                ways.create_task(self._pass_on(there[0], writer))
        finally:
            there[1].transport.abort()
            self._writers -= {writer, there[1]}

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_CHUNK):
                await self._is_open.wait()
                writer.write(data)
                await writer.drain()
        writer.transport.abort()


@contextlib.asynccontextmanager
async def open_proxy(target: int) -> AsyncIterator[Proxy]:
    """Lend a proxy before a port of the loopback."""
    proxy = Proxy(target)
    proxy.mend()
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        proxy.mend()
        proxy.cut()
        server.close()
