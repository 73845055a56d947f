"""Create and drop the monthly partitions of greetings, their ledger and events, and the audit log.

Months are bounded in UTC, whatever the zone of the machine or of the server.
"""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

import asyncpg

from heyday.db.types import AnyConnection
from heyday.domain.privacy_ports import Dropped
from heyday.domain.timezone import Window
from heyday.domain.transitions import IN_FLIGHT, Status

PARTITIONED = ("message_logs", "idempotency_keys", "message_events")
"""What is planned ahead, and what is told of it: no row is written before its month is there."""
_BY_DATE = frozenset({"idempotency_keys", "message_events"})
AUDIT_LOG = "audit_log"
"""What is written as things happen, and drops on its own: HEYDAY_KEEP_AUDIT says when."""

_MONTHS_A_YEAR = 12
# A delivery date lies within two days of its instant, so it may belong to the next month.
_REACH = timedelta(days=2)
# Any number serves, as long as every process that changes partitions takes the same one.
_LOCK = 7_393_001
_NAME = re.compile(r"([a-z_]+)_y(\d{4})m(\d{2})")

# A table that is attached when it stands locks its parent far less than one created in place.
_CREATE = """
CREATE TABLE {partition} (
    LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED){storage};
ALTER TABLE {table} ATTACH PARTITION {partition} FOR VALUES FROM ('{start}') TO ('{end}');
"""
# A batch is a few whole pages: where each has room for a second version of its rows, a claim writes
# into no index. Each greeting leaves three dead versions: swept while they are few.
_STORAGE = """ WITH (
    fillfactor = 50,
    autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.02)"""
# Lines of a month that had no partition move into it: PostgreSQL would refuse to attach it else.
# Writers wait before they look where their line belongs: one that had found the default partition
# would be refused by it afterwards.
_CREATE_AUDIT = """
LOCK TABLE ONLY {table} IN SHARE ROW EXCLUSIVE MODE;
LOCK TABLE audit_log_default IN ACCESS EXCLUSIVE MODE;
CREATE TABLE {partition} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE);
WITH moved AS (
    DELETE FROM audit_log_default WHERE at >= '{start}' AND at < '{end}' RETURNING *)
INSERT INTO {partition} SELECT * FROM moved;
ALTER TABLE {table} ATTACH PARTITION {partition} FOR VALUES FROM ('{start}') TO ('{end}');
"""
_CREATE_DEFAULT = "CREATE TABLE IF NOT EXISTS audit_log_default PARTITION OF audit_log DEFAULT"
_HAS_OPEN = 'SELECT EXISTS (SELECT FROM "{partition}" WHERE status = ANY ($1))'
_OPEN = IN_FLIGHT | {Status.UNKNOWN}
_DROP_ATTEMPTS = """
DELETE FROM message_attempts a
WHERE scheduled_send_time < $1
  AND NOT EXISTS (SELECT FROM message_logs m WHERE m.id = a.message_id)
"""
# Everybody who wants the table queues up behind one who waits to drop a part of it, or to add one.
_PATIENCE = "SET LOCAL lock_timeout = '3s'"
_LIST = """
SELECT c.relname
FROM pg_inherits i
JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = ANY ($1::text[]::regclass[])
ORDER BY c.relname
"""


class Busy(Exception):
    """Report that a table was held by somebody for long."""


def add_months(month: date, count: int) -> date:
    """Return the first day of the month `count` months after that of `month`."""
    index = month.year * _MONTHS_A_YEAR + month.month - 1 + count
    return date(index // _MONTHS_A_YEAR, index % _MONTHS_A_YEAR + 1, 1)


def months_of(window: Window) -> list[date]:
    """Return the first day of each UTC month in which rows of the window may lie."""
    month = add_months((window.start_at - _REACH).astimezone(UTC).date(), 0)
    last = add_months((window.end_at + _REACH).astimezone(UTC).date(), 0)
    months = [month]
    while months[-1] < last:
        months.append(add_months(months[-1], 1))
    return months


async def ensure(connection: AnyConnection, window: Window) -> int:
    """Create the partitions that the window needs; return how many were missing."""
    return await _create(connection, months_of(window), PARTITIONED)


async def create_ahead(connection: AnyConnection, now: datetime, months: int) -> int:
    """Create the partitions of this UTC month and of `months` after it; return how many."""
    this_month = now.astimezone(UTC).date()
    # The day before the first of a month still has people for whom it is the first.
    wanted = [add_months(this_month, n) for n in range(-1, months + 1)]
    return await _create(connection, wanted, (*PARTITIONED, AUDIT_LOG))


async def count_ahead(connection: AnyConnection, now: datetime) -> int:
    """Return how many months in a row, from the one after this UTC month on, are all there."""
    names = set(await _list(connection, PARTITIONED))
    month, ahead = add_months(now.astimezone(UTC).date(), 1), 0
    while all(_partition_name(table, month) in names for table in PARTITIONED):
        month, ahead = add_months(month, 1), ahead + 1
    return ahead


async def list_older(connection: AnyConnection, now: datetime, months: int) -> list[str]:
    """Return the partitions with greetings that ended at least `months` whole months ago."""
    newest_to_drop = add_months(now.astimezone(UTC).date(), -months - 1)
    return _until(await _list(connection, PARTITIONED), newest_to_drop)


async def drop_older(connection: AnyConnection, now: datetime, months: int) -> list[str]:
    """Drop those partitions and what belongs to their rows; return the names dropped."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        names = await list_older(connection, now, months)
        await _drop(connection, names, now, months)
    return names


async def drop_settled(connection: AnyConnection, now: datetime, months: int) -> Dropped:
    """Drop those of them in whose month every greeting has come to its end.

    Call it in a transaction. Raises Busy rather than keep others waiting behind it.
    """
    try:
        await connection.execute(_PATIENCE)
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        names = await list_older(connection, now, months)
        open_months = [
            _month_of(name)
            for name in names
            if name.startswith("message_logs_")
            and await connection.fetchval(_HAS_OPEN.format(partition=name), list(_OPEN))
        ]
        settled = [name for name in names if _month_of(name) not in open_months]
        await _drop(connection, settled, now, months)
    except asyncpg.LockNotAvailableError:
        raise Busy from None
    return Dropped(len(settled), kept=len(names) - len(settled))


async def _drop(connection: AnyConnection, names: list[str], now: datetime, months: int) -> None:
    """Drop partitions, and the attempts that were about their rows."""
    for name in names:
        await connection.execute(f'DROP TABLE "{name}"')
    before = add_months(now.astimezone(UTC).date(), -months)
    await connection.execute(_DROP_ATTEMPTS, datetime.combine(before, time(), UTC))


def _month_of(name: str) -> str:
    return name[-len("y2027m01") :]


async def keep_audit_log(connection: AnyConnection, now: datetime, months: int) -> tuple[int, int]:
    """Create the months around now, and drop what ended at least `months` whole months ago.

    months: 0 drops nothing.   Returns how many were made and dropped. What somebody who writes
    for long stands in the way of is left to the next time: the default partition takes all lines.
    """
    try:
        return await _keep_audit_log(connection, now, months)
    except asyncpg.LockNotAvailableError:
        return 0, 0


async def _keep_audit_log(connection: AnyConnection, now: datetime, months: int) -> tuple[int, int]:
    this_month = now.astimezone(UTC).date()
    created = await _create(connection, [add_months(this_month, n) for n in (0, 1)], (AUDIT_LOG,))
    newest_to_drop = add_months(this_month, -months - 1)
    if not months or not _until(await _list(connection, (AUDIT_LOG,)), newest_to_drop):
        return created, 0
    async with connection.transaction():
        await connection.execute(_PATIENCE)
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        names = _until(await _list(connection, (AUDIT_LOG,)), newest_to_drop)
        for name in names:
            await connection.execute(f'DROP TABLE "{name}"')
        await connection.execute(
            "DELETE FROM audit_log_default WHERE at < $1",
            datetime.combine(add_months(newest_to_drop, 1), time(), UTC),
        )
    return created, len(names)


def _until(names: list[str], newest: date) -> list[str]:
    """Return the partitions up to a month."""
    return [
        name
        for name in names
        if (match := _NAME.fullmatch(name)) and date(int(match[2]), int(match[3]), 1) <= newest
    ]


async def _create(connection: AnyConnection, months: list[date], tables: Sequence[str]) -> int:
    async with connection.transaction():
        missing = _missing(months, tables, await _list(connection, tables))
        if not missing:
            return 0
        if AUDIT_LOG in tables:
            await connection.execute(_PATIENCE)
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        if AUDIT_LOG in tables:
            await connection.execute(_CREATE_DEFAULT)
        missing = _missing(months, tables, await _list(connection, tables))
        for table, month in missing:
            await connection.execute(_create_statement(table, month))
    return len(missing)


def _missing(
    months: list[date], tables: Sequence[str], existing: list[str]
) -> list[tuple[str, date]]:
    return [
        (table, month)
        for table in tables
        for month in months
        if _partition_name(table, month) not in existing
    ]


def _partition_name(table: str, month: date) -> str:
    return f"{table}_y{month:%Y}m{month:%m}"


def _create_statement(table: str, month: date) -> str:
    suffix = "" if table in _BY_DATE else " 00:00:00+00"
    statement = _CREATE_AUDIT if table == AUDIT_LOG else _CREATE
    return statement.format(
        storage=_STORAGE if table == "message_logs" else "",
        partition=_partition_name(table, month),
        table=table,
        start=f"{month}{suffix}",
        end=f"{add_months(month, 1)}{suffix}",
    )


async def _list(connection: AnyConnection, tables: Sequence[str]) -> list[str]:
    rows = await connection.fetch(_LIST, list(tables))
    return [row["relname"] for row in rows]
