"""Speak SMTP over one connection: commands out, whole replies in.

Source: RFC 5321 section 4.2 (replies), RFC 2920 (several commands at once); docs/adr/0037.
"""

import asyncio
import re
import ssl
from collections.abc import Mapping, Sequence
from typing import cast

from heyday.senders.smtp_replies import Reply

_LARGEST_REPLY = 64 * 1024
_LINE = re.compile(rb"([2-5][0-9]{2})([ -]?)([^\r\n]*)\r?\n")
_TOO_LATE = "no reply from the mail server in time"
_HUNG_UP = "the mail server hung up without a reply"
_LOST = "the connection to the mail server was lost"
_NOT_SMTP = "the mail server's reply is not SMTP"
_OUT_OF_TURN = "the mail server spoke out of turn"
_LEFT = "Heyday left"
FAREWELL = 2.0
"""For so many seconds a server may take its leave of TLS."""


class NoReply(Exception):
    """Say why a reply is missing, without the host and without a word of the server's.

    replies: those that had come by then.
    """

    def __init__(self, reason: str, replies: Sequence[Reply]) -> None:
        super().__init__(reason)
        self.replies = replies


class SmtpConnection(asyncio.Protocol):
    """Ask one thing after another, and read the replies.

    letters: how many may go over it.   extensions: what the server offers, in capitals, with what
    it says of each.
    """

    def __init__(self, letters: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._letters_left = letters
        self._buffer = b""
        self._lines: list[str] = []
        self._replies: list[Reply] = []
        self._wanted = 1  # the greeting comes by itself
        self._waiter: asyncio.Future[None] | None = None
        self._end: str | None = None
        self.extensions: Mapping[str, str] = {}
        self.idle_since = 0.0
        self.lost: asyncio.Future[None] = self._loop.create_future()

    @property
    def is_usable(self) -> bool:
        """Tell whether it can take a letter."""
        return self._end is None and self._waiter is None and self._letters_left > 0

    @property
    def is_open(self) -> bool:
        """Tell whether nothing has ended it yet."""
        return self._end is None

    @property
    def local_host(self) -> str:
        """Return the address of our end of it, as EHLO has it (RFC 5321, section 4.1.3)."""
        name = cast("asyncio.Transport", self._transport).get_extra_info("sockname")
        host = str(name[0]).partition("%")[0] if name else "127.0.0.1"
        return f"[IPv6:{host}]" if ":" in host else f"[{host}]"

    def count_letter(self) -> None:
        """Take note that a letter goes over it."""
        self._letters_left -= 1

    async def ask(self, request: bytes, replies: int, deadline: float) -> Sequence[Reply]:
        """Send commands; return the replies to all by `deadline`, in the loop's time.

        Raises NoReply where one is missing: what was sent may have arrived all the same.
        """
        if self._end is not None:
            raise NoReply(self._end, [])
        self._wanted = replies
        cast("asyncio.Transport", self._transport).write(request)
        return await self.hear(deadline)

    async def hear(self, deadline: float) -> Sequence[Reply]:
        """Return the replies that are wanted."""
        if len(self._replies) < self._wanted and self._end is None:
            waiter: asyncio.Future[None] = self._loop.create_future()
            self._waiter = waiter
            timer = self._loop.call_at(deadline, self._break, _TOO_LATE)
            try:
                await waiter
            finally:
                self._waiter = None
                timer.cancel()
                if waiter.cancelled():
                    self._break(_LOST)  # else the next to ask would get this one's replies
        found, self._replies = self._replies, []
        wanted, self._wanted = self._wanted, 0
        if len(found) < wanted:
            raise NoReply(self._end or _LOST, found)
        return found[:wanted]

    async def secure(self, tls: ssl.SSLContext, host: str) -> None:
        """Go on by TLS. Raises OSError; NoReply if the server said more than that it may begin."""
        plain = cast("asyncio.Transport", self._transport)
        if self._buffer or self._replies or self._end:
            self._break(_OUT_OF_TURN)
            raise NoReply(_OUT_OF_TURN, [])
        found = await self._loop.start_tls(
            plain, self, tls, server_hostname=host, ssl_shutdown_timeout=FAREWELL
        )
        if found is None:
            raise NoReply(_LOST, [])
        self._transport = found

    def abort(self) -> None:
        """Close it at once; a server that waits for a command is told."""
        if self._transport is None:
            return
        if self._end is None and self._waiter is None and not self._transport.is_closing():
            self._transport.write(b"QUIT\r\n")
            self._end = _LEFT
            self._transport.close()
        else:
            self.drop()

    def drop(self) -> None:
        """Close it at once, and say nothing: the server may take any word for the letter's."""
        self._break(_LEFT)

    # --- What the event loop calls ------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin. After STARTTLS the event loop may say so again."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take in lines as far as they are whole."""
        self._buffer += data
        at = 0
        while (end := self._buffer.find(b"\n", at)) >= 0:
            line = _LINE.fullmatch(self._buffer, at, end + 1)
            if line is None:
                self._break(_NOT_SMTP)
                return
            at = end + 1
            self._lines.append(line[3].decode("utf-8", "replace"))
            if line[2] != b"-":
                self._replies.append(Reply(int(line[1]), tuple(self._lines)))
                self._lines = []
        self._buffer = self._buffer[at:]
        if len(self._buffer) > _LARGEST_REPLY or len(self._lines) > _LARGEST_REPLY // 64:
            self._break(_NOT_SMTP)
        elif len(self._replies) > self._wanted:
            self._break(_OUT_OF_TURN)
        elif self._waiter is not None and len(self._replies) >= self._wanted:
            self._wake()

    def eof_received(self) -> bool:
        """Let the event loop close it."""
        self._stop(_HUNG_UP)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end."""
        self._stop(_LOST if exc else _HUNG_UP)
        if not self.lost.done():
            self.lost.set_result(None)

    def _break(self, reason: str) -> None:
        self._stop(reason)
        if self._transport is not None:
            self._transport.abort()

    def _stop(self, reason: str) -> None:
        self._end = self._end or reason
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
