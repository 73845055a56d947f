"""The model database beside a real PostgreSQL: every statement runs on both, and must say the same.

PostgreSQL lives in the model's time: a function `now` that tells it stands before its own.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import astuple, fields, is_dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast
from uuid import UUID

import asyncpg

from heyday.db.events import EventRepository
from heyday.db.import_jobs import ImportJobRepository
from heyday.db.job_runs import JobRunRepository
from heyday.db.message_logs import MessageLogRepository
from heyday.db.plans import PlanRepository
from heyday.db.resolutions import ResolutionRepository
from heyday.db.users import UserRepository
from heyday.domain.errors import HeydayError
from heyday.domain.ports import Session
from heyday.domain.resolutions import GreetingRow
from tests.model.clockwork import ModelClock
from tests.model.process import ModelSession, make_session
from tests.model.rows import AttemptRow, MessageRow, PersonRow
from tests.model.tables import ModelDatabase

if TYPE_CHECKING:
    from heyday.db.types import PooledConnection

T = TypeVar("T")

_SET_UP = """
    CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE sql STABLE
    AS $$ SELECT current_setting('model.now')::timestamptz $$
"""
_IN_MODEL_TIME = "SET search_path = public, pg_catalog"
_CLEAR = "TRUNCATE users, message_logs, idempotency_keys, message_attempts, job_runs CASCADE"
# What says more about the database than about the greetings: which months there are, and who wrote
# a row. The model does not tell, so that it may always be anybody.
_OWN = frozenset({"ensure_partitions", "find_written"})


class Postgres:
    """Hold one connection to a real PostgreSQL, in a loop of a thread of its own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="postgres")
        self._transaction: asyncpg.transaction.Transaction | None = None
        self._now: datetime | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        settings = {"timezone": "UTC"}
        self._connection = self.wait(asyncpg.connect(self._url, server_settings=settings))
        self.wait(self._connection.execute(_SET_UP))
        self.wait(self._connection.execute(_IN_MODEL_TIME))
        connection = cast("PooledConnection", self._connection)
        self.session: Session = ModelSession(
            UserRepository(connection),
            PlanRepository(connection),
            MessageLogRepository(connection),
            ResolutionRepository(connection),
            JobRunRepository(connection),
            ImportJobRepository(connection),
            EventRepository(connection),
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.wait(self._connection.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def wait(self, work: Awaitable[T]) -> T:
        """Return what comes of something, as if it had taken no time."""

        async def waiting() -> T:
            return await work

        return asyncio.run_coroutine_threadsafe(waiting(), self._loop).result()

    def rows(self, query: str, *values: object) -> Sequence[asyncpg.Record]:
        found: Sequence[asyncpg.Record] = self.wait(self._connection.fetch(query, *values))
        return found

    def clear(self) -> None:
        self.rows(_CLEAR)

    def tell(self, now: datetime) -> None:
        """Tell it the time. Within a transaction it stands still, as in any."""
        if self._transaction is None and now != self._now:
            self.rows("SELECT set_config('model.now', $1, false)", now.isoformat())
            self._now = now

    def begin(self) -> None:
        self._transaction = self._connection.transaction()
        self.wait(self._transaction.start())

    def end(self, *, is_commit: bool) -> None:
        transaction, self._transaction = self._transaction, None
        assert transaction is not None
        self.wait(transaction.commit() if is_commit else transaction.rollback())


class TwinDatabase(ModelDatabase):
    """Do on PostgreSQL what is done on the model."""

    def __init__(self, clock: ModelClock, skew: timedelta, postgres: Postgres) -> None:
        super().__init__(clock, skew)
        self._postgres = postgres
        self.session = _twin_session(self, postgres)
        postgres.clear()

    def begin(self) -> None:
        super().begin()
        self._postgres.tell(self.now())
        self._postgres.begin()

    def commit(self) -> None:
        self._postgres.end(is_commit=True)
        super().commit()

    def roll_back(self) -> None:
        self._postgres.end(is_commit=False)
        super().roll_back()

    def id_of_person(self, email: str) -> UUID:
        return self._id("SELECT id FROM users WHERE email = $1", email)

    def id_of_message(self, key: str) -> UUID:
        return self._id("SELECT id FROM message_logs WHERE idempotency_key = $1", key)

    def id_of_job(self) -> int:
        number: int = self._postgres.rows("SELECT max(id) FROM job_runs")[0][0]
        return number

    def edit_by_sql(self, user_id: UUID, **changes: object) -> None:
        self._postgres.tell(self.now())
        (column,) = changes
        statement = f"UPDATE users SET {column} = $2 WHERE id = $1"  # noqa: S608 - our own columns
        self._postgres.rows(statement, user_id, changes[column])
        super().edit_by_sql(user_id, **changes)

    def _id(self, query: str, value: str) -> UUID:
        found = self._postgres.rows(query, value)
        assert len(found) == 1, f"the model writes {value}, of which PostgreSQL has {len(found)}"
        message_id: UUID = found[0]["id"]
        return message_id

    def check_tables(self) -> None:
        """Check that both hold the same rows."""
        tables = self.tables
        self._compare("users", PersonRow, tables.people.values())
        self._compare("message_logs", MessageRow, tables.messages.values())
        self._compare("message_attempts", AttemptRow, tables.attempts)
        query = "SELECT delivery_date, user_id, message_type FROM idempotency_keys"
        assert {tuple(row) for row in self._postgres.rows(query)} == tables.ledger

    def _compare(self, table: str, kind: type[Any], rows: Any) -> None:
        names = [field.name for field in fields(kind)]
        query = f"SELECT {', '.join(names)} FROM {table}"  # noqa: S608 - our own columns
        stored = sorted((tuple(row) for row in self._postgres.rows(query)), key=repr)
        modelled = sorted((astuple(row) for row in rows), key=_shown)
        assert stored == modelled, f"{table}: {_difference(names, stored, modelled)}"


def _shown(values: tuple[Any, ...]) -> str:
    """Return a text to sort by, in which a status looks as it does in PostgreSQL."""
    return repr(tuple(str(v) if isinstance(v, str) else v for v in values))


def _difference(names: list[str], stored: list[Any], modelled: list[Any]) -> str:
    """Name the columns that differ, with what PostgreSQL and the model have there."""
    if len(stored) != len(modelled):
        return f"{len(stored)} rows in PostgreSQL, {len(modelled)} in the model"
    return "; ".join(
        f"{name}: {there!r} in PostgreSQL, {here!r} in the model"
        for one, other in zip(stored, modelled, strict=True)
        for name, there, here in zip(names, one, other, strict=True)
        if there != here
    )


class _Twin:
    """Pass every call on to a store of PostgreSQL and to that of the model."""

    def __init__(
        self, database: TwinDatabase, postgres: Postgres, there: object, here: object
    ) -> None:
        self._database = database
        self._postgres = postgres
        self._there = there
        self._here = here

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        async def both(*args: Any, **kwargs: Any) -> Any:
            self._postgres.tell(self._database.now())
            there = await _result(self._postgres.wait, getattr(self._there, name), args, kwargs)
            here = await _result(None, getattr(self._here, name), args, kwargs)
            if name not in _OWN:
                assert _plain(there) == _plain(here), (
                    f"{name}: PostgreSQL says {there!r}, the model {here!r}"
                )
            if isinstance(here, HeydayError):
                raise here
            return here

        return both


async def _result(
    wait: Callable[[Awaitable[Any]], Any] | None, method: Any, args: Any, kwargs: Any
) -> Any:
    """Return what a call returns, or the error of ours that it raises."""
    try:
        work = method(*args, **kwargs)
        return wait(work) if wait else await work
    except HeydayError as error:
        return error


def _plain(value: Any) -> Any:
    """Return a value in a form that compares whatever has no certain order."""
    if isinstance(value, HeydayError):
        return type(value).__name__
    if is_dataclass(value) and not isinstance(value, type):
        kept = [f.name for f in fields(value) if f.compare and f.name not in _own(value)]
        return [_plain(getattr(value, name)) for name in kept]
    if isinstance(value, list | tuple | set):
        return sorted((_plain(item) for item in value), key=repr)
    return value


def _own(value: object) -> set[str]:
    """Return the fields that the model does not keep: when a row was planned decides nothing."""
    return {"created_at"} if isinstance(value, GreetingRow) else set()


def _twin_session(database: TwinDatabase, postgres: Postgres) -> Session:
    here, there = make_session(database), postgres.session
    names = [field.name for field in fields(ModelSession)]
    stores = [_Twin(database, postgres, getattr(there, n), getattr(here, n)) for n in names]
    return ModelSession(*cast("Any", stores))
