"""Send through a provider's HTTP API: POST {url}/send-email, with the key in a header.

Source: DESIGN section 8 (the request), section 4 (what each fault means).
"""

import asyncio
import errno
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import aiohttp
import msgspec

from heyday.domain.delivery import Outcome, OutcomeKind, Trouble
from heyday.domain.errors import ConfigurationError
from heyday.domain.models import ClaimedMessage
from heyday.domain.ports import Clock
from heyday.senders.answers import Answer, judge

_LARGEST_ANSWER = 64 * 1024
# Shorter than most servers keep an idle connection: one that closes under a request in flight
# leaves an attempt of which nobody can say whether it was accepted.
_KEEP_ALIVE = timedelta(seconds=15)
_HEADERS = {"Accept": "application/json", "User-Agent": "Heyday"}
_CONTENT_TYPE = "application/json"

# The first that fits names the fault. Their own texts may hold the URL or what the provider sent.
_FAULTS: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ClientConnectorDNSError, "the provider's host name cannot be resolved"),
    (aiohttp.ClientSSLError, "no TLS connection to the provider"),
    (aiohttp.ConnectionTimeoutError, "no connection to the provider in time"),
    (aiohttp.ClientConnectorError, "no connection to the provider"),
    (TimeoutError, "no complete answer from the provider in time"),
    (aiohttp.ServerDisconnectedError, "the provider hung up without an answer"),
    (aiohttp.ClientPayloadError, "the provider's answer broke off"),
    (aiohttp.ClientResponseError, "the provider's answer is not HTTP"),
)
_ANY_FAULT = "the connection to the provider was lost"


@dataclass(frozen=True, slots=True)
class HttpConfig:
    """Describe the provider and how to call it.

    url: where its API lives, without a query; may hold a user and a password.
    timeout: the longest that `send` takes.   connect_timeout: the longest that it waits for a
    connection, and half of `timeout` at most.
    connections: how many calls are made at once.
    key_lifetime: for how long the provider takes a second request with the same key for the
    first; None if it never does.
    largest_answer: in bytes; one that is longer counts as broken.
    """

    url: str = field(repr=False)
    timeout: timedelta = timedelta(seconds=10)
    connect_timeout: timedelta = timedelta(seconds=3)
    connections: int = 128
    key_lifetime: timedelta | None = timedelta(hours=24)
    largest_answer: int = _LARGEST_ANSWER

    def __post_init__(self) -> None:
        """Refuse what no call could be made with."""
        if not _is_web_address(self.url):
            raise ConfigurationError(
                "EMAIL_SERVICE_URL: expected http:// or https://, a host, and no query; "
                "such as https://mail.example.com/api"
            )
        if min(self.connect_timeout, self.timeout) <= timedelta():
            raise ConfigurationError(
                f"provider timeouts: got {self.connect_timeout} to connect, {self.timeout} in all; "
                "expected some time for both"
            )
        if self.connections < 1:
            raise ConfigurationError(
                f"provider connections: got {self.connections}; expected at least 1"
            )

    @property
    def patience(self) -> float:
        """Return the longest wait for a connection in seconds."""
        return min(self.connect_timeout, self.timeout / 2).total_seconds()

    @property
    def root(self) -> str:
        """Return what the addresses of its API begin with."""
        return self.url.rstrip("/")


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        # Asking for the port checks it; encoding the host as DNS does finds labels too long.
        _ = parts.port, (parts.hostname or "").encode("idna")
    except ValueError:
        return False
    is_plain = not (parts.query or parts.fragment or any(c.isspace() for c in url))
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and is_plain


class _Letter(aiohttp.BytesPayload):
    """Hold a request body, and know whether any of it may have left.

    No provider can accept a message of which it got nothing: that one fact tells the faults that
    surely did no harm from those after which nobody can say.
    """

    may_have_left = False

    async def write_with_length(
        self, writer: aiohttp.abc.AbstractStreamWriter, content_length: int | None
    ) -> None:
        """Write the body, from here on under suspicion of having arrived."""
        self.may_have_left = True
        await super().write_with_length(writer, content_length)


class HttpSender:
    """Make one HTTP call for each attempt, over connections that are kept.

    Use it as an async context manager, or `open` and `close` it, in a running loop.
    """

    def __init__(self, config: HttpConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None
        self._slots = asyncio.Semaphore(config.connections)

    @property
    def key_lifetime(self) -> timedelta | None:
        """Return for how long the provider takes a repeated key for the same message."""
        return self._config.key_lifetime

    async def open(self) -> None:
        """Make ready to call. Connects to nothing yet."""
        connector = aiohttp.TCPConnector(
            limit=self._config.connections, keepalive_timeout=_KEEP_ALIVE.total_seconds()
        )
        self._session = aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), headers=_HEADERS
        )

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def send(self, message: ClaimedMessage) -> Outcome:
        """Make one attempt, within `timeout`. Every fault of provider or network is an outcome."""
        content = msgspec.json.encode({"email": message.email, "message": message.text})
        key = {"Idempotency-Key": message.idempotency_key}
        answer = await self.post("send-email", content, key)
        if isinstance(answer, Outcome):
            return answer
        honours_keys = self._config.key_lifetime is not None
        return judge(answer, message, self._clock.now(), honours_keys=honours_keys)

    async def post(
        self, name: str, content: bytes, headers: Mapping[str, str] | None = None
    ) -> Answer | Outcome:
        """Post JSON to {url}/{name}, within `timeout`; return the answer, or what came instead."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._config.timeout.total_seconds()
        try:
            async with asyncio.timeout(self._config.patience):
                await self._slots.acquire()
        except TimeoutError:
            busy = f"all {self._config.connections} connections to the provider were busy"
            return Outcome(OutcomeKind.NOT_TRIED, error=busy)
        letter = _Letter(content, content_type=_CONTENT_TYPE)
        try:
            request = self._request(name, letter, headers, deadline - loop.time())
            async with request as response:
                return await _read(response, self._config.largest_answer)
        except (aiohttp.ClientError, OSError) as fault:
            kind = OutcomeKind.AMBIGUOUS if letter.may_have_left else OutcomeKind.NOT_ACCEPTED
            return Outcome(kind, error=_describe(fault), trouble=Trouble.PROVIDER)
        finally:
            self._slots.release()

    def _request(
        self, name: str, letter: _Letter, headers: Mapping[str, str] | None, seconds: float
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        if self._session is None:
            raise RuntimeError("the HTTP sender is not open; call open() first")
        # aiohttp repeats no POST by itself; nor may it follow a redirect with one.
        return self._session.post(
            f"{self._config.root}/{name}",
            data=letter,
            headers=headers,
            allow_redirects=False,
            timeout=self._timeout(seconds),
        )

    def _timeout(self, seconds: float) -> aiohttp.ClientTimeout:
        return aiohttp.ClientTimeout(
            total=seconds,
            connect=self._config.patience,
            # By default aiohttp rounds long timeouts up to a whole second; a lease hangs on ours.
            ceil_threshold=float("inf"),
        )


async def _read(response: aiohttp.ClientResponse, largest: int) -> Answer:
    """Read the answer to its end or its bound. A status that came stands, whatever follows."""
    body: bytes | None = None
    try:
        await response.content.readexactly(largest + 1)
        fault = f"the body is longer than {largest} bytes"
    except asyncio.IncompleteReadError as whole:
        body, fault = whole.partial, None
    except (aiohttp.ClientError, OSError) as broken:
        fault = _describe(broken)
    return Answer(response.status, body, fault, response.headers.get("Retry-After"))


def _describe(fault: Exception) -> str:
    """Return what went wrong, without the URL and without a word of the provider's."""
    text = next((text for kind, text in _FAULTS if isinstance(fault, kind)), _ANY_FAULT)
    code = errno.errorcode.get(getattr(fault, "errno", None) or 0)
    return f"{text} ({code})" if code else text
