"""Send through a provider's HTTP API: POST {url}/send-email, with the key in a header.

Source: DESIGN section 8 (the request), section 4 (what each fault means).
"""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import msgspec

from heyday.domain.delivery import Outcome, OutcomeKind, Trouble
from heyday.domain.errors import ConfigurationError
from heyday.domain.models import ClaimedMessage
from heyday.domain.ports import Clock
from heyday.senders.answers import Answer, judge
from heyday.senders.connection import NoAnswer
from heyday.senders.connections import Connections
from heyday.senders.faults import describe
from heyday.senders.place import Place

_LARGEST_ANSWER = 64 * 1024


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


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        # Asking for the port checks it; encoding the host as DNS does finds labels too long.
        _ = parts.port, (parts.hostname or "").encode("idna")
    except ValueError:
        return False
    is_plain = not (parts.query or parts.fragment or any(c.isspace() for c in url))
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and is_plain


class HttpSender:
    """Make one HTTP call for each attempt, over connections that are kept.

    Use it as an async context manager, or `open` and `close` it, in a running loop.
    """

    def __init__(self, config: HttpConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._timeout = config.timeout.total_seconds()
        self._patience = config.patience
        self._place = Place(config.url)
        self._connections: Connections | None = None
        self._slots = asyncio.Semaphore(config.connections)
        self._connecting: asyncio.Task[None] | None = None

    @property
    def key_lifetime(self) -> timedelta | None:
        """Return for how long the provider takes a repeated key for the same message."""
        return self._config.key_lifetime

    async def open(self) -> None:
        """Make ready to call. Connects to nothing yet."""
        self._connections = Connections(self._place, self._config.largest_answer)

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

    async def send(self, message: ClaimedMessage) -> Outcome:
        """Make one attempt, within `timeout`. Every fault of provider or network is an outcome."""
        content = msgspec.json.encode({"email": message.email, "message": message.text})
        answer = await self.post("send-email", content, message.idempotency_key)
        if isinstance(answer, Outcome):
            return answer
        honours_keys = self._config.key_lifetime is not None
        return judge(answer, message, self._clock.now(), honours_keys=honours_keys)

    async def post(self, name: str, content: bytes, key: str | None = None) -> Answer | Outcome:
        """Post JSON to {url}/{name}, within `timeout`; return the answer, or what came instead.

        Nothing is repeated, and no redirect followed.
        """
        request = self._place.request(name, content, key)
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
            raise RuntimeError("the HTTP sender is not open; call open() first")
        try:
            connection = self._connections.take()
            if connection is None:
                async with asyncio.timeout_at(min(deadline, self._until_impatient())):
                    connection = await self._connections.open()
        except OSError as fault:
            # No provider can accept a message of which it got nothing: that one fact tells the
            # faults that surely did no harm from those after which nobody can say.
            error = describe(fault, "the provider")
            return Outcome(OutcomeKind.NOT_ACCEPTED, error=error, trouble=Trouble.PROVIDER)
        try:
            return await connection.ask(request, deadline)
        except NoAnswer as fault:
            return Outcome(OutcomeKind.AMBIGUOUS, error=str(fault), trouble=Trouble.PROVIDER)
        finally:
            self._connections.give_back(connection)

    def _until_impatient(self) -> float:
        return asyncio.get_running_loop().time() + self._patience
