"""Call a provider over HTTP: one request for one attempt, and an outcome for every fault.

Source: DESIGN section 4 (what each fault means); docs/adr/0032.
"""

import asyncio
import errno
import socket
import ssl
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from heyday.domain.delivery import Outcome, OutcomeKind, Trouble
from heyday.domain.errors import ConfigurationError
from heyday.domain.ports import Clock
from heyday.senders.answers import Answer
from heyday.senders.connection import NoAnswer
from heyday.senders.connections import Connections
from heyday.senders.place import Place
from heyday.senders.resolving import NotPublic, Resolve, ask_system

_LARGEST_ANSWER = 64 * 1024
# In a batch, room for a sentence about each.
_LARGEST_ITEM = 4 * 1024

# The first that fits names the fault. Their own texts may hold the host's name or address.
_FAULTS: tuple[tuple[type[OSError], str], ...] = (
    (NotPublic, "the provider's host has no address that is public"),
    (socket.gaierror, "the provider's host name cannot be resolved"),
    (ssl.SSLError, "no TLS connection to the provider"),
    (TimeoutError, "no connection to the provider in time"),
)
_ANY_FAULT = "no connection to the provider"


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

    def with_room_for(self, letters: int) -> "HttpConfig":
        """Return the same for calls that carry so many letters."""
        return replace(self, largest_answer=self.largest_answer + _LARGEST_ITEM * letters)

    @property
    def patience(self) -> float:
        """Return the longest wait for a connection in seconds."""
        return min(self.connect_timeout, self.timeout / 2).total_seconds()


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        # Asking for the port checks it; encoding the host as DNS does finds labels too long.
        _ = parts.port, (parts.hostname or "").encode("idna")
    except ValueError:
        return False
    is_plain = not (parts.query or parts.fragment or any(c.isspace() for c in url))
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and is_plain


class HttpCalls:
    """Make calls over connections that are kept: what every sender over HTTP is.

    Use it as an async context manager, or `open` and `close` it, in a running loop.
    place: where to; None: the config's URL, and nothing but JSON.   kept: the names of headers of
    answers that are to be read, in lower case.   resolve: asks for the host's addresses.
    """

    def __init__(
        self,
        config: HttpConfig,
        clock: Clock,
        place: Place | None = None,
        kept: frozenset[bytes] = frozenset(),
        resolve: Resolve = ask_system,
    ) -> None:
        self._config = config
        self._clock = clock
        self._timeout = config.timeout.total_seconds()
        self._patience = config.patience
        self._place = place or Place(config.url)
        self._kept = kept
        self._resolve = resolve
        self._connections: Connections | None = None
        self._slots = asyncio.Semaphore(config.connections)
        self._connecting: asyncio.Task[None] | None = None

    @property
    def key_lifetime(self) -> timedelta | None:
        """Return for how long the provider takes a repeated key for the same message."""
        return self._config.key_lifetime

    async def open(self) -> None:
        """Make ready to call. Connects to nothing yet."""
        largest = self._config.largest_answer
        self._connections = Connections(self._place, largest, self._kept, self._resolve)

    async def close(self) -> None:
        """Close every connection."""
        if self._connecting is not None:
            self._connecting.cancel()
            await self.made_ready()
        if self._connections is not None:
            await self._connections.close()
            self._connections = None

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

    async def _call(self, request: bytes) -> Answer | Outcome:
        """Send a request, within `timeout`; return the answer, or what came instead.

        Nothing is repeated, and no redirect followed.
        """
        deadline = asyncio.get_running_loop().time() + self._timeout
        if not await self._has_slot():
            busy = f"all {self._config.connections} connections to the provider were busy"
            return Outcome(OutcomeKind.NOT_TRIED, error=busy)
        try:
            return await self._ask(request, deadline)
        finally:
            self._slots.release()

    def make_ready(self, calls: int) -> None:
        """Begin to open connections for so many calls, as far as so many are made at once.

        A provider that cannot be reached is told of by the calls.
        """
        if self._connections is None or (self._connecting and not self._connecting.done()):
            return
        wanted = min(calls, self._config.connections)
        if wanted > len(self._connections):
            self._connecting = asyncio.create_task(self._connect(self._connections, wanted))

    async def made_ready(self) -> None:
        """Return when what was begun is done."""
        if self._connecting is not None:
            await asyncio.wait({self._connecting})

    async def _connect(self, connections: Connections, wanted: int) -> None:
        # One first: where it fails, so would the others.
        if await self._has_connected(connections):
            missing = wanted - len(connections)
            await asyncio.gather(*(self._has_connected(connections) for _ in range(missing)))

    async def _has_connected(self, connections: Connections) -> bool:
        if self._slots.locked():
            return False  # those who call have connections, or open some
        await self._slots.acquire()
        try:
            async with asyncio.timeout(self._patience):
                connections.give_back(await connections.open())
        except OSError:
            return False
        finally:
            self._slots.release()
        return True

    async def _has_slot(self) -> bool:
        """Take a slot, if one is free in time."""
        if not self._slots.locked():
            return await self._slots.acquire()
        try:
            async with asyncio.timeout(self._patience):
                return await self._slots.acquire()
        except TimeoutError:
            return False

    async def _ask(self, request: bytes, deadline: float) -> Answer | Outcome:
        if self._connections is None:
            raise RuntimeError("the sender is not open; call open() first")
        try:
            connection = self._connections.take()
            if connection is None:
                async with asyncio.timeout_at(min(deadline, self._until_impatient())):
                    connection = await self._connections.open()
        except OSError as fault:
            # No provider can accept a message of which it got nothing: that one fact tells the
            # faults that surely did no harm from those after which nobody can say.
            error = _describe(fault)
            return Outcome(OutcomeKind.NOT_ACCEPTED, error=error, trouble=Trouble.PROVIDER)
        try:
            return await connection.ask(request, deadline)
        except NoAnswer as fault:
            return Outcome(OutcomeKind.AMBIGUOUS, error=str(fault), trouble=Trouble.PROVIDER)
        finally:
            self._connections.give_back(connection)

    def _until_impatient(self) -> float:
        return asyncio.get_running_loop().time() + self._patience


def _describe(fault: OSError) -> str:
    """Return what went wrong, without the host and without a word of the provider's."""
    text = next((text for kind, text in _FAULTS if isinstance(fault, kind)), _ANY_FAULT)
    code = errno.errorcode.get(fault.errno or 0)
    return f"{text} ({code})" if code else text
