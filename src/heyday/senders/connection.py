"""Speak HTTP/1.1 over one connection: a request out, its whole answer in.

llhttp (httptools) reads what comes: the parser of Node.js and of aiohttp.
Source: RFC 9112; RFC 9110 section 15.2 (1xx); docs/adr/0032.
"""

import asyncio
import errno
from http import HTTPStatus
from typing import cast

import httptools

from heyday.senders.answers import Answer

# Head, sizes of chunks and trailers come on top of a body; but not that much.
_LARGEST_IN_ALL = 4
_TOO_LATE = "no complete answer from the provider in time"
_HUNG_UP = "the provider hung up without an answer"
_BROKE_OFF = "the provider's answer broke off"
_NOT_HTTP = "the provider's answer is not HTTP"
_LOST = "the connection to the provider was lost"


class NoAnswer(Exception):
    """Say why there is no answer, without the URL and without a word of the provider's."""


class Connection(asyncio.Protocol):
    """Ask one thing after another, and read the answers.

    largest: how long a body may be, in bytes.   kept: the names of headers that go with an answer,
    in lower case.
    """

    def __init__(self, largest: int, kept: frozenset[bytes] = frozenset()) -> None:
        self._loop = asyncio.get_running_loop()
        self._largest = largest
        self._kept = kept
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[Answer] | None = None
        self._is_kept = True
        self.idle_since = 0.0
        self.lost: asyncio.Future[None] = self._loop.create_future()
        # Of the present answer; a status of 0 is none yet.
        self._status = self._received = self._size = 0
        self._body: list[bytes] = []
        self._has_length = False
        self._retry_after: str | None = None
        self._headers: dict[str, str] | None = None
        self._whole: Answer | None = None

    @property
    def is_usable(self) -> bool:
        """Tell whether it can be asked."""
        return (
            self._is_kept
            and self._waiter is None
            and self._transport is not None
            and not self._transport.is_closing()
        )

    async def ask(self, request: bytes, deadline: float) -> Answer:
        """Send a request; return what came by `deadline`, in the loop's time.

        A status that came stands, whatever follows. Raises NoAnswer where none did; the request
        may have arrived all the same.
        """
        transport = cast("asyncio.Transport", self._transport)
        self._status = self._received = self._size = 0
        self._body = []
        self._has_length = False
        self._retry_after = self._whole = None
        self._headers = None
        waiter: asyncio.Future[Answer] = self._loop.create_future()
        self._waiter = waiter
        timer = self._loop.call_at(deadline, self._break, _TOO_LATE)
        transport.write(request)
        try:
            return await waiter
        finally:
            timer.cancel()
            if waiter.cancelled():
                self.abort()  # else the next to ask would get this one's answer

    def abort(self) -> None:
        """Close it at once."""
        self._is_kept = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Read on."""
        if self._waiter is None:
            self.abort()  # nothing was asked
            return
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._is_kept = False
            if self._whole is None:
                self._break(_NOT_HTTP)
        if self._whole is not None:
            self._end(self._whole)
        elif self._size > self._largest or self._received > self._largest * _LARGEST_IN_ALL:
            self._break(f"the body is longer than {self._largest} bytes")

    def eof_received(self) -> None:
        """Let an answer end here that names no other end; the transport closes itself."""
        self._is_kept = False
        if self._status and not self._has_length:
            self._end(self._answer(b"".join(self._body)))
        else:
            self._break(_BROKE_OFF if self._status else _HUNG_UP)

    def connection_lost(self, error: Exception | None) -> None:
        """End."""
        code = errno.errorcode.get(getattr(error, "errno", None) or 0)
        self._break(f"{_LOST} ({code})" if code else _LOST)
        self.lost.set_result(None)

    def on_message_begin(self) -> None:
        """Note what follows an answer: it answers nothing."""
        self._is_kept = self._is_kept and self._whole is None

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep what is needed of the head."""
        if self._status:
            return  # a trailer
        match name.lower():
            case b"content-length" | b"transfer-encoding":
                self._has_length = True
            case b"retry-after":
                self._retry_after = value.decode("latin-1")
            case other if self._kept and other in self._kept:
                said = {other.decode("latin-1"): value.decode("latin-1")}
                self._headers = {**(self._headers or {}), **said}

    def on_headers_complete(self) -> None:
        """Note the status, unless it is one that comes before the answer's."""
        status = self._parser.get_status_code()
        self._status = status if status >= HTTPStatus.OK else 0

    def on_body(self, part: bytes) -> None:
        """Keep a part of the body."""
        self._size += len(part)
        self._body.append(part)

    def on_message_complete(self) -> None:
        """Note that the answer is whole."""
        if not self._status:
            self._has_length, self._retry_after, self._headers = False, None, None
        elif self._whole is None:
            self._whole = self._answer(b"".join(self._body))
            self._is_kept = self._is_kept and self._parser.should_keep_alive()

    def _answer(self, body: bytes | None, fault: str | None = None) -> Answer:
        return Answer(self._status, body, fault, self._retry_after, self._headers)

    def _break(self, reason: str) -> None:
        """End with what came by now."""
        self._is_kept = False
        self._end(self._answer(None, reason) if self._status else NoAnswer(reason))

    def _end(self, with_what: Answer | NoAnswer) -> None:
        waiter, self._waiter = self._waiter, None
        if not self._is_kept:
            self.abort()
        if waiter is None or waiter.done():
            return
        if isinstance(with_what, Answer):
            waiter.set_result(with_what)
        else:
            waiter.set_exception(with_what)
