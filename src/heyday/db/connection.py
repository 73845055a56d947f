"""Lend connections: a pool that reconnects with backoff, sessions, and transactions that retry."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar, cast

import asyncpg
import stamina
import structlog

from heyday.db.ambient import AMBIENT, Ambient, find_open
from heyday.db.events import EventRepository
from heyday.db.import_jobs import ImportJobRepository
from heyday.db.job_runs import JobRunRepository
from heyday.db.message_logs import MessageLogRepository
from heyday.db.plans import PlanRepository
from heyday.db.resolutions import ResolutionRepository
from heyday.db.stateless import DeedConnection, StatelessConnection
from heyday.db.types import AnyConnection, Pool, PooledConnection
from heyday.db.users import UserRepository
from heyday.domain.errors import ConfigurationError, DatabaseError, DatabaseUnavailable
from heyday.domain.ports import Session
from heyday.domain.sealing import NO_SEALS, Seals

T = TypeVar("T")
log = structlog.get_logger()

PATIENCE = timedelta(seconds=10)
"""How long a caller waits for a connection, unless it says otherwise."""

# The connection is gone, or could not be had: nothing is known to have been committed.
CONNECTION_LOST = (
    ConnectionError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    # How asyncpg takes a server's goodbye that came while the connection was idle.
    asyncpg.InternalClientError,
)
# All that can keep a connection from being made.
_NO_CONNECTION = (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError)
# PostgreSQL undid the transaction, and says that the same one may well succeed.
_UNDONE = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
# How PgBouncer puts it.
_REFUSED = "unsupported startup parameter"
_IN_FORCE = "SELECT name, setting FROM pg_settings WHERE name = ANY ($1)"
# What no further try would change, and what to do about it.
_HINTS: tuple[tuple[type[Exception], str], ...] = (
    (asyncpg.InvalidAuthorizationSpecificationError, "user or password is wrong"),
    (asyncpg.InvalidCatalogNameError, "there is no such database: create it first"),
    (ValueError, "expected postgresql://user:password@host:5432/database"),
)


@dataclass(frozen=True, slots=True)
class PoolConfig:
    """Size the pool.

    patience: how long a caller waits for a server that went away.
    stand_still: how long a process may stand still within a transaction before PostgreSQL ends its
    connection: one that is stopped there would keep its locks, and nobody could take over.
    keeps_session: whether a connection stays with one server: not behind a transaction pooler.
    statement_cache: statements a connection remembers.
    log_statements: write each statement, without its values, to the log (development).
    """

    url: str
    min_size: int = 5
    max_size: int = 20
    idle: timedelta = timedelta(seconds=30)
    connect_timeout: timedelta = timedelta(seconds=10)
    patience: timedelta = PATIENCE
    stand_still: timedelta = timedelta(seconds=60)
    keeps_session: bool = True
    statement_cache: int = 200
    log_statements: bool = False

    @property
    def session_settings(self) -> dict[str, str]:
        """Return how PostgreSQL is to be set while it works for us."""
        stand_still = self.stand_still // timedelta(milliseconds=1)
        return {
            "jit": "off",
            # A plan for any values takes a batch of 500 for a few rows.
            "plan_cache_mode": "force_custom_plan",
            "idle_in_transaction_session_timeout": str(stand_still),
        }


@dataclass(frozen=True, slots=True)
class DatabaseSession:
    """Give the stores over one connection."""

    users: UserRepository
    plans: PlanRepository
    messages: MessageLogRepository
    resolutions: ResolutionRepository
    jobs: JobRunRepository
    imports: ImportJobRepository
    events: EventRepository


def _session(connection: PooledConnection, seals: Seals) -> Session:
    return DatabaseSession(
        UserRepository(connection, seals),
        PlanRepository(connection),
        MessageLogRepository(connection),
        ResolutionRepository(connection),
        JobRunRepository(connection),
        ImportJobRepository(connection),
        EventRepository(connection, seals),
    )


@contextlib.asynccontextmanager
async def _transaction(connection: PooledConnection) -> AsyncIterator[None]:
    """Commit what is done inside, or undo it if it fails; within a transaction, a part of it."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        yield
    except BaseException:
        # A broken connection has rolled back already, and cannot be told to.
        with contextlib.suppress(*CONNECTION_LOST, asyncpg.InterfaceError):
            await transaction.rollback()
        raise
    await transaction.commit()


async def _keep_state(_connection: AnyConnection) -> None:
    """Spare the reset query: Heyday leaves no session state, and it costs a round trip."""


def _log_statement(record: asyncpg.connection.LoggedQuery) -> None:
    log.debug("statement", sql=" ".join(record.query.split())[:500], seconds=record.elapsed)


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Turn what PostgreSQL refuses into an error of ours."""
    try:
        yield
    except asyncpg.PostgresError as error:
        # The kind and the place alone, without the cause: PostgreSQL's text may quote a row.
        kind = f"{type(error).__name__}, SQLSTATE {error.sqlstate}"
        refusal = DatabaseError(f"PostgreSQL refused a statement ({kind}); its own log says more")
        raise refusal.with_traceback(error.__traceback__) from None


def _is_broken(connection: PooledConnection) -> bool:
    """Tell whether a lent connection is gone; the pool takes it away when it notices."""
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        return True


async def connect(url: str, patience: timedelta = PATIENCE) -> AnyConnection:
    """Open one connection outside any pool, directly or through any pooler.

    Raises DatabaseUnavailable.
    """
    seconds = patience.total_seconds()
    return await _patiently(
        lambda: asyncpg.connect(url, timeout=seconds, connection_class=StatelessConnection),
        patience,
    )


class Database:
    """Reach PostgreSQL through a pool, which outlives restarts of the server."""

    def __init__(self, config: PoolConfig) -> None:
        self._config = config
        self._pool: Pool | None = None
        self._seals = NO_SEALS

    def seal_with(self, seals: Seals) -> None:
        """Key with this what is remembered of addresses; until then nothing is."""
        self._seals = seals

    @property
    def keeps_session(self) -> bool:
        """Tell whether each connection is one with PostgreSQL itself."""
        return self._config.keeps_session

    @property
    def pool_max(self) -> int:
        """Return how many connections the pool may open."""
        return self._config.max_size

    async def open(self) -> None:
        """Connect.

        Raises DatabaseUnavailable if the server does not answer in time; ConfigurationError if a
        connection is to keep its session, and something in between does not let it.
        """
        self._pool = await _patiently(self._create_pool, self._config.patience)
        if self._config.keeps_session:
            try:
                await self._check_session()
            except BaseException:
                await self.close()
                raise

    async def close(self) -> None:
        """Give all connections back."""
        if self._pool is not None:
            await self._pool.close()

    @property
    def pool(self) -> "Pool | None":
        """Return what holds the connections, for those who count them; None: it is not open."""
        return self._pool

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[PooledConnection]:
        """Lend a connection.

        Raises DatabaseUnavailable if it cannot be had, or breaks; DatabaseError for a statement
        that PostgreSQL refused.
        """
        with explained():
            async with self._lent() as connection:
                yield connection

    @contextlib.asynccontextmanager
    async def _lent(self) -> AsyncIterator[PooledConnection]:
        """Lend a connection; what PostgreSQL says of a statement passes as it is.

        It is that of the transaction that this task has open around all it does, if there is one.
        """
        if self._pool is None:
            raise DatabaseUnavailable("the database was used before it was opened")
        ambient = find_open(self)
        connection = ambient.connection if ambient else await self._acquire(self._pool)
        try:
            yield connection
        except (*CONNECTION_LOST, asyncpg.InterfaceError) as error:
            if isinstance(error, asyncpg.InterfaceError) and not _is_broken(connection):
                raise
            raise DatabaseUnavailable("the connection to PostgreSQL broke; try again") from error
        finally:
            if ambient is None:
                await self._pool.release(connection)

    async def _acquire(self, pool: Pool) -> PooledConnection:
        try:
            return await pool.acquire()
        except _NO_CONNECTION:
            return await _patiently(pool.acquire, self._config.patience)

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """Lend a connection on which each statement commits by itself."""
        # As `connection`, without one more layer: every look at a person comes by here.
        with explained():
            async with self._lent() as connection:
                yield _session(connection, self._seals)

    async def in_transaction(self, work: Callable[[Session], Awaitable[T]]) -> T:
        """Run `work` in one transaction, and again where it surely was undone.

        Within `around` it is a part of that transaction, which can be undone by itself.
        Raises DatabaseUnavailable, DatabaseError.
        """
        return await self.transact(lambda connection: work(_session(connection, self._seals)))

    async def transact(self, work: Callable[[PooledConnection], Awaitable[T]]) -> T:
        """Run `work` on one connection likewise.

        A connection that breaks during COMMIT leaves the outcome open, so that is not repeated.
        Raises DatabaseUnavailable, DatabaseError.
        """
        with explained():
            # Nearly all succeed at once, and to prepare for more costs as much as a statement.
            with contextlib.suppress(*_UNDONE):
                return await self._once(work)
            async for attempt in stamina.retry_context(
                on=_UNDONE, attempts=5, wait_initial=0.02, wait_max=1.0, wait_jitter=0.05
            ):
                with attempt:
                    return await self._once(work)
        raise AssertionError  # the last attempt returns or raises

    @contextlib.asynccontextmanager
    async def around(self) -> AsyncIterator[PooledConnection]:
        """Open a transaction that all this task does in the database until the end joins.

        It commits at the end, or is undone if that is reached by an error. What is `apart`
        (domain/transactions.py), and what other tasks do, is no part of it.
        Raises DatabaseUnavailable, DatabaseError.
        """
        with explained():
            async with self._lent() as connection, _transaction(connection):
                ambient = Ambient(self, connection, asyncio.current_task())
                token = AMBIENT.set(ambient)
                try:
                    yield connection
                finally:
                    ambient.is_open = False
                    AMBIENT.reset(token)

    async def _once(self, work: Callable[[PooledConnection], Awaitable[T]]) -> T:
        async with self._lent() as connection, _transaction(connection):
            return await work(connection)

    async def _create_pool(self) -> Pool:
        config = self._config
        kind: type[asyncpg.Connection] = StatelessConnection
        # Every pooler knows these two, and sees to them.
        settings = {"application_name": "heyday", "timezone": "UTC"}
        if config.keeps_session:
            kind = DeedConnection
            settings |= config.session_settings
        try:
            return await asyncpg.create_pool(
                config.url,
                min_size=config.min_size,
                max_size=config.max_size,
                max_inactive_connection_lifetime=config.idle.total_seconds(),
                timeout=config.connect_timeout.total_seconds(),
                statement_cache_size=config.statement_cache,
                connection_class=kind,
                reset=_keep_state,
                init=self._prepare,
                server_settings=settings,
            )
        except asyncpg.ProtocolViolationError as error:
            if config.keeps_session and _REFUSED in str(error):
                raise _no_session("refuses") from None
            raise

    async def _prepare(self, connection: AnyConnection) -> None:
        if not self._config.keeps_session:
            cast("StatelessConnection", connection).begin_with(self._config.session_settings)
        if self._config.log_statements:
            connection.add_query_logger(_log_statement)

    async def _check_session(self) -> None:
        """Look whether what was asked for at connecting is in force."""
        asked = self._config.session_settings
        async with self.connection() as connection:
            rows = await connection.fetch(_IN_FORCE, list(asked))
        if {row["name"]: row["setting"] for row in rows} != asked:
            raise _no_session("ignores")


async def _patiently(connect_once: Callable[[], Awaitable[T]], patience: timedelta) -> T:
    """Try with growing pauses until it succeeds or patience ends."""
    retrying = stamina.retry_context(
        on=CONNECTION_LOST,
        attempts=None,
        timeout=patience,
        wait_initial=0.05,
        wait_max=1.0,
        wait_jitter=0.05,
    )
    try:
        async for attempt in retrying:
            with attempt:
                return await connect_once()
    except _NO_CONNECTION as error:
        raise DatabaseUnavailable(
            f"no connection to PostgreSQL within {patience.total_seconds():g} s "
            f"({type(error).__name__}); check DATABASE_URL and that the server runs{_hint(error)}"
        ) from error
    raise AssertionError  # the last attempt returns or raises


def _no_session(verb: str) -> ConfigurationError:
    return ConfigurationError(
        f"a pooler stands before PostgreSQL, and {verb} the settings that Heyday connects with; "
        "set HEYDAY_POOLER=transaction"
    )


def _hint(fault: Exception) -> str:
    return next((f"; {hint}" for kind, hint in _HINTS if isinstance(fault, kind)), "")
