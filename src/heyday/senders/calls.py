"""Call a provider over HTTP: one request for one attempt, and an outcome for every fault.

Source: DESIGN section 4 (what each fault means); docs/adr/0032.
"""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from urllib.parse import urlsplit

from heyday.domain.delivery import Outcome, OutcomeKind, Trouble
from heyday.domain.errors import ConfigurationError
from heyday.domain.ports import Clock
from heyday.senders.answers import Answer
from heyday.senders.connection import Connection, NoAnswer
from heyday.senders.connections import Connections, Pool
from heyday.senders.faults import describe
from heyday.senders.lending import Lender, Lending
from heyday.senders.place import Place
from heyday.senders.resolving import Resolve, ask_system

_LARGEST_ANSWER = 64 * 1024
# In a batch, room for a sentence about each.
_LARGEST_ITEM = 4 * 1024


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


class HttpCalls(Lender[Connection]):
    """Make calls over connections that are kept: what every sender over HTTP is.

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
        super().__init__()
        self._config = config
        self._clock = clock
        self._timeout = config.timeout.total_seconds()
        self._patience = config.patience
        self._place = place or Place(config.url)
        self._kept = kept
        self.resolve = resolve

    @property
    def key_lifetime(self) -> timedelta | None:
        """Return for how long the provider takes a repeated key for the same message."""
        return self._config.key_lifetime

    def _begin(self) -> Lending[Connection]:
        largest = self._config.largest_answer
        pool = Connections(self._place, largest, self._kept, self.resolve)
        return Lending(pool, self._config.connections, self._patience)

    async def _call(self, request: bytes) -> Answer | Outcome:
        """Send a request, within `timeout`; return the answer, or what came instead.

        Nothing is repeated, and no redirect followed.
        """
        lending = self._lent
        deadline = asyncio.get_running_loop().time() + self._timeout
        if not await lending.has_turn():
            busy = f"all {self._config.connections} connections to the provider were busy"
            return Outcome(OutcomeKind.NOT_TRIED, error=busy)
        try:
            return await self._ask(lending.pool, request, deadline)
        finally:
            lending.end_turn()

    async def _ask(
        self, pool: Pool[Connection], request: bytes, deadline: float
    ) -> Answer | Outcome:
        try:
            connection = pool.take()
            if connection is None:
                async with asyncio.timeout_at(min(deadline, self._until_impatient())):
                    connection = await pool.open()
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
            pool.give_back(connection)

    def _until_impatient(self) -> float:
        return asyncio.get_running_loop().time() + self._patience
