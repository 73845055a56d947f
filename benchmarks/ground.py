"""Lay the ground for a benchmark: PostgreSQL, people, and greetings that were planned.

The server is Heyday's own, durable, set as `make run` sets it. People get their greetings by
`heyday jobs run daily`, as a company's do.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.processes import run_heyday
from heyday.db import migrate, queries
from heyday.db.connection import connect
from heyday.db.embedded import EmbeddedConfig, EmbeddedServer
from heyday.db.embedded.binaries import find_binaries, has_library
from heyday.db.embedded.postmaster import find_postmaster
from heyday.db.types import AnyConnection
from heyday.domain.message_types import ANNIVERSARY, BIRTHDAY, MessageType
from tests.chaos import clock

_SEEDING = queries.load("seeding")
_STATISTICS = "pg_stat_statements"
_NOON = 12
# Connections that bring people at once, and how many people each statement brings.
_HANDS, _AT_ONCE = 2, 250_000
# Ids as PostgreSQL draws them, so people who are greeted together lie all over the table.
_BRING = """
INSERT INTO users (first_name, last_name, email, timezone, {column}, created_at, updated_at)
SELECT (ARRAY['Ada', 'Grace', 'Alan', 'Edsger', 'Barbara', 'Donald', 'Katherine'])[1 + n % 7],
       'Number ' || n, 'person-' || n || '@example.com', $3,
       make_date(1960 + (n % 45)::integer, $4, $5), now() - interval '30 days',
       now() - interval '30 days'
FROM generate_series($1::bigint, $2::bigint - 1) AS n
"""
# Without them PostgreSQL would take it that everybody has the same day and zone, as nowhere else.
_BYSTANDERS = """
INSERT INTO users (first_name, last_name, email, timezone, birthday_date, created_at, updated_at)
SELECT 'Ada', 'Bystander ' || n, 'bystander-' || n || '@example.com',
       (ARRAY['Africa/Lagos', 'America/Bogota', 'America/Chicago', 'America/New_York',
              'America/Sao_Paulo', 'Asia/Kolkata', 'Asia/Shanghai', 'Asia/Tokyo',
              'Australia/Sydney', 'Europe/Berlin', 'Europe/London', 'Europe/Paris'])[1 + n % 12],
       $3::date - interval '1 year' * (20 + n % 45) - interval '1 day' * (7 + n % 350),
       now() - interval '30 days', now() - interval '30 days'
FROM generate_series($1::bigint, $2::bigint - 1) AS n
"""
_KEYS = """
SELECT idempotency_key, extract(epoch FROM scheduled_send_time)::float8 AS send_at
FROM message_logs
WHERE scheduled_send_time >= $1 AND scheduled_send_time < $2
"""
_STATUSES = """
SELECT status, count(*)
FROM message_logs
WHERE scheduled_send_time >= $1 AND scheduled_send_time < $2
GROUP BY status
"""
_TAKE_OUT = """
CREATE TEMP TABLE spread AS SELECT * FROM message_logs WHERE scheduled_send_time = $1
"""
_REMOVE = "DELETE FROM message_logs WHERE scheduled_send_time = $1"
# An id that begins with the instant it was planned for, in ms, then begins with the new one, as a
# plan for so many instants would have it; and rows come in the order of ids.
_MOVE = """
UPDATE spread s
SET scheduled_send_time = to_timestamp($3 + n.second),
    tzdb_version = '9999z',
    id = CASE WHEN n.digits LIKE lpad(to_hex($2::bigint * 1000), 12, '0') || '%'
              THEN lpad(to_hex(($3::bigint + n.second) * 1000), 12, '0') || substr(n.digits, 13)
              ELSE n.digits END::uuid
FROM (SELECT id, replace(id::text, '-', '') AS digits,
             (row_number() OVER (ORDER BY id) - 1) / $1::bigint AS second
      FROM spread) AS n
WHERE s.id = n.id
"""
_PUT_BACK = "INSERT INTO message_logs ({columns}) SELECT {columns} FROM spread ORDER BY id"
_COLUMNS = """
SELECT string_agg(attname, ', ' ORDER BY attnum)
FROM pg_attribute
WHERE attrelid = 'message_logs'::regclass AND attnum > 0 AND NOT attisdropped
  AND attgenerated = ''
"""
_OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
"""
_USE = """
SELECT pg_current_wal_lsn() - '0/0'::pg_lsn AS wal,
       sum(n_tup_upd)::bigint AS updated, sum(n_tup_hot_upd)::bigint AS hot,
       sum(n_dead_tup)::bigint AS dead
FROM pg_stat_user_tables
WHERE relname LIKE 'message\\_logs%'
"""
_COSTLIEST = """
SELECT calls, round(total_exec_time::numeric) AS ms, rows,
       shared_blks_hit + shared_blks_read AS pages, wal_bytes,
       left(regexp_replace(query, '\\s+', ' ', 'g'), 70) AS query
FROM pg_stat_statements ORDER BY total_exec_time DESC LIMIT $1
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Say where people live and when they were born, so that it is about noon there now."""

    zone: str
    on: date
    _offset: timedelta

    @classmethod
    def at_noon(cls, now: datetime) -> "Place":
        """Return a place that is far from midnight, wherever this machine is."""
        hours = _NOON - now.hour
        # The names of these zones count the other way round.
        return cls(f"Etc/GMT{-hours:+d}", now.date(), timedelta(hours=hours))

    @property
    def tomorrow(self) -> "Place":
        """Return the same place a day later."""
        return replace(self, on=self.on + timedelta(days=1))

    def time_of_day(self, at: datetime) -> str:
        """Return what the clocks there show at an instant, to the second."""
        return f"{at + self._offset:%H:%M:%S}"


@dataclass(frozen=True, slots=True)
class Use:
    """Hold what PostgreSQL has done so far. updated, hot, dead: rows of greetings."""

    wal_bytes: int
    updated: int
    hot: int
    dead: int

    def since(self, before: "Use") -> "Use":
        """Return what it has done since then; dead rows are those that are there now."""
        return Use(
            self.wal_bytes - before.wal_bytes,
            self.updated - before.updated,
            self.hot - before.hot,
            self.dead,
        )


@dataclass(frozen=True, slots=True)
class Ground:
    """Hold a running, migrated PostgreSQL that nobody else uses."""

    folder: Path
    url: str
    connection: AnyConnection

    @property
    def server_pid(self) -> int:
        """Return the number of the process from which all others of PostgreSQL come."""
        found = find_postmaster(self.folder / "postgres" / "data")
        if found is None:
            raise RuntimeError(f"PostgreSQL in {self.folder} has ended")
        return found.pid

    async def bring(self, people: int, place: Place, later: int = 0) -> None:
        """Add people who live there and have their birthday on the place's date.

        With them come as many others, who have theirs a week away or more. later: so many more
        have their anniversary the day after. Indexes are made at the end, as Heyday does it when
        it brings many.
        """
        indexes = await self.connection.fetch(_SEEDING["list_indexes"].text)
        for index in indexes:
            await self.connection.execute(index["drop"])
        left = iter(
            [
                *_parts(BIRTHDAY, place, range(people)),
                *_parts(ANNIVERSARY, place.tomorrow, range(people, people + later)),
                *((_BYSTANDERS, part.start, part.stop, place.on) for part in _cut(range(people))),
            ]
        )
        await asyncio.gather(*(self._execute(left) for _ in range(_HANDS)))
        async with self.connection.transaction():
            await self.connection.execute(_SEEDING["sort_in_memory"].text)
            for index in indexes:
                await self.connection.execute(index["make"])
        await self.connection.execute("VACUUM (ANALYZE) users")

    async def _execute(self, left: Iterator[Sequence[Any]]) -> None:
        """Take one statement after the other, until none is left."""
        connection = await connect(self.url)
        try:
            for statement, *values in left:
                await connection.execute(statement, *values)
        finally:
            await connection.close()

    async def plan(self, settings: Mapping[str, str]) -> int:
        """Plan as the daily scheduler does; return how many greetings were."""
        printed = await run_heyday(
            *("jobs", "run", "daily", "--json"), settings=settings, folder=self.folder
        )
        return int(json.loads(printed)["planned"])

    async def take_out(self, at: datetime) -> None:
        """Take greetings that all leave at an instant out of the ledger, for `put_back`."""
        await self.connection.execute(_TAKE_OUT, at)
        await self.connection.execute(_REMOVE, at)
        await self.connection.execute("VACUUM message_logs")  # their space is free again

    async def put_back(self, planned_at: datetime, at: datetime, rate: int) -> None:
        """Let them leave one after the other from another instant on, so many a second.

        People live in some four hundred zones, so that so many instants a day would be much. Plans
        of a newer tz database than ours are left alone, so this one is said to be.
        """
        execute = self.connection.execute
        await execute(_MOVE, rate, int(planned_at.timestamp()), int(at.timestamp()))
        columns = await self.connection.fetchval(_COLUMNS)
        await execute(_PUT_BACK.format(columns=columns))
        await execute("DROP TABLE spread")

    async def settle(self) -> None:
        """Do what hours between plan and greeting would: vacuum, analyse, write to disk."""
        await self.connection.execute("VACUUM (ANALYZE) message_logs, idempotency_keys")
        await self.connection.execute("CHECKPOINT")
        if self._has_statistics:
            await self.connection.execute(f"SELECT {_STATISTICS}_reset()")

    async def due(self, since: datetime, until: datetime) -> dict[str, float]:
        """Return when greetings leave, in seconds since 1970, by their keys."""
        return {row[0]: row[1] for row in await self.connection.fetch(_KEYS, since, until)}

    async def statuses(self, since: datetime, until: datetime) -> dict[str, int]:
        """Return how many greetings that leave in that time are in each status."""
        rows = await self.connection.fetch(_STATUSES, since, until)
        return {row[0]: row[1] for row in rows}

    async def count_batches(self) -> int:
        """Return how many batches are not acknowledged yet."""
        return int(await self.connection.fetchval("SELECT count(*) FROM queue_batches"))

    async def has_others(self) -> bool:
        """Tell whether anybody else is connected: what they did is counted when they leave."""
        return bool(await self.connection.fetchval(_OTHERS))

    async def use(self) -> Use:
        """Return what PostgreSQL has done so far."""
        await self.connection.execute("SELECT pg_stat_clear_snapshot()")
        row = await self.connection.fetchrow(_USE)
        if row is None:
            raise RuntimeError("message_logs has no statistics; was the database migrated?")
        return Use(int(row["wal"]), row["updated"], row["hot"], row["dead"])

    async def costliest(self, count: int) -> list[str]:
        """Return the statements that took the most time, each as a line; none if nobody counts."""
        if not self._has_statistics:
            return []
        rows = await self.connection.fetch(_COSTLIEST, count)
        return [
            f"{row['calls']:>9,} calls {row['ms']:>9,} ms {row['rows']:>11,} rows "
            f"{row['pages']:>12,} pages {row['wal_bytes'] / 2**20:>8,.0f} MiB WAL  {row['query']}"
            for row in rows
        ]

    @property
    def _has_statistics(self) -> bool:
        return has_library(find_binaries(), _STATISTICS)


def _parts(message_type: MessageType, place: Place, numbers: range) -> Iterator[Sequence[Any]]:
    """Return statements, with their values, that bring people with these numbers."""
    bring = _BRING.format(column=message_type.date_column)
    for part in _cut(numbers):
        yield bring, part.start, part.stop, place.zone, place.on.month, place.on.day


def _cut(numbers: range) -> list[range]:
    return [numbers[at : at + _AT_ONCE] for at in range(0, len(numbers), _AT_ONCE)]


def new_home(folder: Path) -> Path:
    """Make a folder that PostgreSQL can reach, also where it runs as another account."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)
    return folder


@contextlib.asynccontextmanager
async def open_ground(
    folder: Path, postgresql: Mapping[str, str] | None = None
) -> AsyncIterator[Ground]:
    """Lend a ground in a new folder. postgresql: settings of the server besides Heyday's own."""
    config = EmbeddedConfig(home=new_home(folder), settings=postgresql or {})
    async with EmbeddedServer(config) as url:
        await migrate.upgrade(url, clock.now())
        connection = await connect(url)
        try:
            if has_library(find_binaries(), _STATISTICS):
                await connection.execute(f"CREATE EXTENSION IF NOT EXISTS {_STATISTICS}")
            yield Ground(folder, url, connection)
        finally:
            await connection.close()
