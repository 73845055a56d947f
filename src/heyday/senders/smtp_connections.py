"""Keep sessions with one mail server, each ready for a letter."""

import asyncio
import socket
from dataclasses import dataclass

from heyday.senders.connections import Pool
from heyday.senders.smtp_connection import FAREWELL, SmtpConnection
from heyday.senders.smtp_session import Entrance, enter


@dataclass(frozen=True, slots=True)
class Server:
    """Say where a mail server is, and how to come in. letters: how many go over a connection."""

    host: str
    port: int
    entrance: Entrance
    letters: int


class SmtpConnections(Pool[SmtpConnection]):
    """Keep those to a mail server. patience: seconds that a new one may take to be ready."""

    def __init__(self, server: Server, patience: float) -> None:
        super().__init__(server.host, server.port)
        self._server = server
        self._patience = patience

    async def begin(self, found: socket.socket) -> SmtpConnection:
        """Return a connection over a socket, of which nothing was heard yet."""
        entrance, tls = self._server.entrance, None
        if not entrance.starts_tls:
            tls = entrance.tls
        _, connection = await self._loop.create_connection(
            lambda: SmtpConnection(self._server.letters),
            sock=found,
            ssl=tls,
            server_hostname=entrance.host if tls else None,
            ssl_shutdown_timeout=FAREWELL if tls else None,
        )
        return connection

    async def open(self) -> SmtpConnection:
        """Lend a new one that is ready for letters. Raises OSError, NoEntrance."""
        connection = await super().open()
        deadline = asyncio.get_running_loop().time() + self._patience
        try:
            await enter(connection, self._server.entrance, deadline)
        except BaseException:
            connection.drop()
            raise
        return connection
