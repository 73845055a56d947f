"""Keep connections to one host, and lend each to one call at a time."""

import asyncio
import socket
import ssl
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import timedelta
from typing import Generic, Protocol, TypeVar

from aiohappyeyeballs import AddrInfoType, start_connection

from heyday.senders.connection import Connection
from heyday.senders.place import Place

# Shorter than most servers keep an idle connection: one that closes under a request in flight
# leaves an attempt of which nobody can say whether it was accepted.
_KEEP_ALIVE = timedelta(seconds=15).total_seconds()
_KNOWN_FOR = timedelta(seconds=10).total_seconds()
# For so long one address of a host is tried before the next is, as well (RFC 8305).
_NEXT_ADDRESS_AFTER = timedelta(milliseconds=250).total_seconds()


class Kept(Protocol):
    """Know what must be known of a connection to keep it."""

    idle_since: float
    lost: asyncio.Future[None]

    @property
    def is_usable(self) -> bool:
        """Tell whether it can be asked."""
        ...

    def abort(self) -> None:
        """Close it at once."""
        ...


C = TypeVar("C", bound=Kept)


class Pool(ABC, Generic[C]):
    """Open connections, and keep those that wait for a call: the last one back is the next out."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._loop = asyncio.get_running_loop()
        self._open: set[C] = set()
        self._idle: list[C] = []
        self._sweep: asyncio.TimerHandle | None = None
        self._resolving = asyncio.Lock()
        self._addresses: Sequence[AddrInfoType] = ()
        self._known_until = 0.0

    def __len__(self) -> int:
        """Return how many are open."""
        return len(self._open)

    @abstractmethod
    async def begin(self, found: socket.socket) -> C:
        """Return a connection over a socket that is connected; the socket is now its own."""

    def take(self) -> C | None:
        """Lend one that waits, if there is one."""
        fresh_since = self._loop.time() - _KEEP_ALIVE
        while self._idle:
            connection = self._idle.pop()
            if connection.is_usable and connection.idle_since > fresh_since:
                return connection
            connection.abort()
        return None

    async def open(self) -> C:
        """Lend a new one. Raises OSError, which ssl.SSLError and socket.gaierror are too."""
        try:
            found = await start_connection(
                await self._resolve(), happy_eyeballs_delay=_NEXT_ADDRESS_AFTER
            )
        except OSError:
            self._known_until = 0.0
            raise
        try:
            connection = await self.begin(found)
        except BaseException:
            found.close()
            raise
        self._open.add(connection)
        connection.lost.add_done_callback(lambda _: self._open.discard(connection))
        return connection

    def give_back(self, connection: C) -> None:
        """Keep one that was lent for the next call, if it is good for one."""
        if not connection.is_usable:
            connection.abort()
            return
        connection.idle_since = self._loop.time()
        self._idle.append(connection)
        if self._sweep is None:
            self._sweep = self._loop.call_later(_KEEP_ALIVE, self._close_idle)

    async def close(self) -> None:
        """Close all."""
        if self._sweep is not None:
            self._sweep.cancel()
        lost = [connection.lost for connection in self._open]
        for connection in self._open:
            connection.abort()
        await asyncio.gather(*lost)

    def _close_idle(self) -> None:
        """Close what has waited for too long, and look again when the next one will have."""
        fresh_since = self._loop.time() - _KEEP_ALIVE
        waiting, self._idle = self._idle, []
        for connection in waiting:
            if connection.is_usable and connection.idle_since > fresh_since:
                self._idle.append(connection)
            else:
                connection.abort()
        first = self._idle[0].idle_since + _KEEP_ALIVE if self._idle else None
        self._sweep = self._loop.call_at(first, self._close_idle) if first else None

    async def _resolve(self) -> Sequence[AddrInfoType]:
        """Return the host's addresses, and ask for them once for all who want to know."""
        async with self._resolving:
            if self._loop.time() >= self._known_until:
                self._addresses = await self._loop.getaddrinfo(
                    self._host,
                    self._port,
                    type=socket.SOCK_STREAM,
                    flags=socket.AI_ADDRCONFIG,
                )
                self._known_until = self._loop.time() + _KNOWN_FOR
            return self._addresses


class Connections(Pool[Connection]):
    """Keep those to a provider's API. largest: how long an answer's body may be, in bytes."""

    def __init__(self, place: Place, largest: int) -> None:
        super().__init__(place.host, place.port)
        self._largest = largest
        self._tls = _trusting_well_known() if place.is_secure else None

    async def begin(self, found: socket.socket) -> Connection:
        """Return a connection over a socket."""
        _, connection = await self._loop.create_connection(
            lambda: Connection(self._largest),
            sock=found,
            ssl=self._tls,
            server_hostname=self._host if self._tls else None,
        )
        return connection


def _trusting_well_known() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
