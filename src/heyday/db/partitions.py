"""Create and drop the monthly partitions of `message_logs` and of the ledger.

Months are bounded in UTC, whatever the zone of the machine or of the server.
"""

import re
from datetime import UTC, date, datetime, time, timedelta

from heyday.db.types import AnyConnection
from heyday.domain.timezone import Window

PARTITIONED = ("message_logs", "idempotency_keys")

_MONTHS_A_YEAR = 12
# A delivery date lies within two days of its instant, so it may belong to the next month.
_REACH = timedelta(days=2)
# Any number serves, as long as every process that changes partitions takes the same one.
_LOCK = 7_393_001
_NAME = re.compile(r"(?:message_logs|idempotency_keys)_y(\d{4})m(\d{2})")

# A table that is attached when it stands locks its parent far less than one created in place.
_CREATE = """
CREATE TABLE {partition} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
ALTER TABLE {table} ATTACH PARTITION {partition} FOR VALUES FROM ('{start}') TO ('{end}');
"""
_LIST = """
SELECT c.relname
FROM pg_inherits i
JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = ANY ($1::text[]::regclass[])
ORDER BY c.relname
"""


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
    return await _create(connection, months_of(window))


async def create_ahead(connection: AnyConnection, now: datetime, months: int) -> int:
    """Create the partitions of this UTC month and of `months` after it; return how many."""
    this_month = now.astimezone(UTC).date()
    # The day before the first of a month still has people for whom it is the first.
    return await _create(connection, [add_months(this_month, n) for n in range(-1, months + 1)])


async def list_older(connection: AnyConnection, now: datetime, months: int) -> list[str]:
    """Return the partitions that ended at least `months` whole months ago."""
    newest_to_drop = add_months(now.astimezone(UTC).date(), -months - 1)
    return [
        name
        for name in await _list(connection)
        if (match := _NAME.fullmatch(name))
        and date(int(match.group(1)), int(match.group(2)), 1) <= newest_to_drop
    ]


async def drop_older(connection: AnyConnection, now: datetime, months: int) -> list[str]:
    """Drop those partitions and what belongs to their rows; return the names dropped."""
    before = add_months(now.astimezone(UTC).date(), -months)
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        names = await list_older(connection, now, months)
        for name in names:
            await connection.execute(f'DROP TABLE "{name}"')
        await connection.execute(
            "DELETE FROM message_attempts WHERE scheduled_send_time < $1",
            datetime.combine(before, time(), UTC),
        )
    return names


async def _create(connection: AnyConnection, months: list[date]) -> int:
    async with connection.transaction():
        missing = _missing(months, await _list(connection))
        if not missing:
            return 0
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        missing = _missing(months, await _list(connection))
        for table, month in missing:
            await connection.execute(_create_statement(table, month))
    return len(missing)


def _missing(months: list[date], existing: list[str]) -> list[tuple[str, date]]:
    return [
        (table, month)
        for table in PARTITIONED
        for month in months
        if _partition_name(table, month) not in existing
    ]


def _partition_name(table: str, month: date) -> str:
    return f"{table}_y{month:%Y}m{month:%m}"


def _create_statement(table: str, month: date) -> str:
    suffix = " 00:00:00+00" if table == "message_logs" else ""
    return _CREATE.format(
        partition=_partition_name(table, month),
        table=table,
        start=f"{month}{suffix}",
        end=f"{add_months(month, 1)}{suffix}",
    )


async def _list(connection: AnyConnection) -> list[str]:
    rows = await connection.fetch(_LIST, list(PARTITIONED))
    return [row["relname"] for row in rows]
