"""Wait for locks only briefly, and again and again.

Whoever wants a table queues up behind one who waits to change it: an upgrade that waited for as
long as it takes would stand in the way of everybody.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import asyncpg
import stamina
import structlog

from heyday.db import queries
from heyday.db.types import AnyConnection
from heyday.domain.errors import SchemaBusy

T = TypeVar("T")
log = structlog.get_logger()

_QUERIES = queries.load("migrations")
# PostgreSQL undid it, and what was in the way may be gone the next time.
UNDONE = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)
_NOT_SEEN = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)
LOOK_EVERY = 0.1
"""Seconds between two looks at who is in the way."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Say how long to wait for locks.

    lock: in one attempt. Longer than PostgreSQL's deadlock_timeout, a second: only after that does
    an autovacuum that is in the way give way.   pause, longest_pause: between attempts, growing.
    total: after so much of it nothing more is tried.
    """

    lock: timedelta = timedelta(seconds=2)
    pause: timedelta = timedelta(seconds=1)
    longest_pause: timedelta = timedelta(seconds=15)
    total: timedelta = timedelta(minutes=5)

    @property
    def statement(self) -> str:
        """Return what a transaction begins with that waits no longer."""
        return f"SET LOCAL lock_timeout = '{self.lock // timedelta(milliseconds=1)}ms'"


class Blocked(Exception):
    """Report that an attempt got no lock in time, and was undone."""


@dataclass(frozen=True, slots=True)
class Session:
    """Name a session of PostgreSQL, without what it does.

    application: what it says it is; None where nobody knows.   age: of its transaction.
    """

    pid: int
    application: str | None
    age: timedelta | None

    def __str__(self) -> str:
        if self.application is None:
            # Such as a transaction that was prepared: it has no session any more.
            return f"pid {self.pid}, of which PostgreSQL tells nothing"
        age = "" if self.age is None else f", in a transaction for {self.age.total_seconds():.0f} s"
        return f"pid {self.pid} ({self.application}{age})"


class Watch:
    """Look who is in the way of a session, over a connection that is not its own."""

    def __init__(self, connection: AnyConnection, what: str) -> None:
        """Take what looks. what: is being done, in words."""
        self.what = what
        self.blockers: Sequence[Session] = ()
        self._connection = connection
        self._pid: int | None = None

    def begin(self, pid: int) -> None:
        """Look after this session from now on."""
        self._pid = pid

    @contextlib.asynccontextmanager
    async def looking(self) -> AsyncIterator[None]:
        """Look again and again until the end."""
        self._pid = None
        is_over = asyncio.Event()
        looking = asyncio.create_task(self._look(is_over))
        try:
            yield
        finally:
            # A look that was cancelled halfway could take the connection with it.
            is_over.set()
            # Who was in the way is told as far as it is known.
            with contextlib.suppress(*_NOT_SEEN):
                await looking

    async def _look(self, is_over: asyncio.Event) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(is_over.wait(), LOOK_EVERY)
            if is_over.is_set():
                return
            found = await list_sessions(self._connection, "blockers", self._pid)
            if not found:
                continue
            is_new = {each.pid for each in found} != {each.pid for each in self.blockers}
            self.blockers = found
            if is_new:
                log.warning("migration_waits", what=self.what, behind=shown(found))


async def until_unlocked(
    work: Callable[[Callable[[int], None]], Awaitable[T]],
    watch: Watch,
    patience: Patience,
) -> T:
    """Do what is watched, and again while it is Blocked.

    work: tells of its session what it is given, before it waits for anything.
    Raises SchemaBusy when patience ends.
    """
    retrying = stamina.retry_context(
        on=Blocked,
        attempts=None,
        timeout=patience.total,
        wait_initial=patience.pause.total_seconds(),
        wait_max=patience.longest_pause.total_seconds(),
        wait_jitter=patience.pause.total_seconds(),
    )
    try:
        async for attempt in retrying:
            with attempt:
                async with watch.looking():
                    return await work(watch.begin)
    except Blocked:
        raise SchemaBusy(watch.what, patience.total, shown(watch.blockers)) from None
    raise AssertionError  # the last attempt returns or raises


@contextlib.contextmanager
def blocked() -> Iterator[None]:
    """Turn what PostgreSQL undid for want of a lock into Blocked."""
    try:
        yield
    except UNDONE:
        raise Blocked from None


async def list_sessions(connection: AnyConnection, query: str, number: int | None) -> list[Session]:
    """Return the sessions that a query names. number: what it asks for; None: nothing is asked."""
    if number is None:
        return []
    rows = await connection.fetch(_QUERIES[query].text, number)
    return [Session(row["pid"], row["application"], row["age"]) for row in rows]


def shown(sessions: Sequence[Session]) -> list[str]:
    """Return what to tell of them."""
    return [str(each) for each in sessions]
