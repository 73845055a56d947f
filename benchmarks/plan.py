"""Measure planning: a million greetings for 1 January among three million people.

`python -m benchmarks.plan`. A private PostgreSQL, durable, set as `make run` sets it; people from
the product's own seeder, a third of whom have their day on 1 January. The window is that of the
daily run of 31 December: 48 hours. It is planned, then planned again; a bare INSERT of the same
rows, into a table like message_logs with nothing but the primary key, is what it is held against.
Then the next year's is planned by an account that is no superuser, for which the foreign key looks
each person up (docs/adr/0008). Each run has a server of its own.
"""

import argparse
import asyncio
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from benchmarks.crowd import FIRST_YEAR, Planned, around_new_year, bring, plan
from benchmarks.entries import Row
from heyday.db.connection import connect
from heyday.db.embedded import EmbeddedConfig, EmbeddedServer
from heyday.db.types import AnyConnection
from heyday.domain.timezone import Window

PEOPLE, DUE = 3_000_000, 1_000_000
SHOWN = (
    "server_version",
    "shared_buffers",
    "max_wal_size",
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "data_checksums",
)
# What a company would give Heyday on a server of its own.
_ORDINARY = """
CREATE ROLE ordinary LOGIN PASSWORD 'ordinary';
GRANT ALL ON ALL TABLES IN SCHEMA public TO ordinary;
GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO ordinary;
"""
_FLOOR = """
CREATE TABLE floor (
    LIKE message_logs INCLUDING DEFAULTS INCLUDING GENERATED,
    PRIMARY KEY (id, scheduled_send_time))
"""
# The rows are at hand, and the id is what its column gives by default.
_BARE = """
INSERT INTO floor (
    user_id, message_type, delivery_date, scheduled_send_time, status, idempotency_key,
    message_content, occasion_date, timezone, tzdb_version)
SELECT user_id, message_type, delivery_date, scheduled_send_time, status, idempotency_key,
       message_content, occasion_date, timezone, tzdb_version
FROM message_logs
WHERE scheduled_send_time >= $1 AND scheduled_send_time < $2
"""
# The same with ids that are at hand as well, and in order.
_COPIED = """
INSERT INTO floor (
    id, user_id, message_type, delivery_date, scheduled_send_time, status, idempotency_key,
    message_content, occasion_date, timezone, tzdb_version)
SELECT id, user_id, message_type, delivery_date, scheduled_send_time, status, idempotency_key,
       message_content, occasion_date, timezone, tzdb_version
FROM message_logs
WHERE scheduled_send_time >= $1 AND scheduled_send_time < $2
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """Hold what one run found.

    floor, copied: rows a second of the bare INSERT, with ids by default and with ids at hand.
    """

    people: int
    people_a_second: float
    own: Planned
    again: Planned
    floor: float
    copied: float
    ordinary: Planned


async def measure(people: int, due: int, folder: Path) -> Figures:
    """Do one run, on a new server in the folder."""
    async with EmbeddedServer(EmbeddedConfig(home=folder)) as url:
        rate = await bring(url, people, due)
        window = around_new_year(FIRST_YEAR)
        own = await plan(url, folder, window)
        again = await plan(url, folder, window)
        connection = await connect(url)
        try:
            floor, copied = [await _bare(connection, sql, window) for sql in (_BARE, _COPIED)]
            await connection.execute(_ORDINARY)
        finally:
            await connection.close()
        # The months are there: to make some takes their owner.
        next_window = around_new_year(FIRST_YEAR + 1)
        await plan(url, folder, Window(next_window.start_at, next_window.start_at))
        ordinary = await plan(url, folder, next_window, _with_login(url, "ordinary"))
    return Figures(people, rate, own, again, floor, copied, ordinary)


async def _bare(connection: AnyConnection, statement: str, window: Window) -> float:
    """Return rows a second of an INSERT into a new table."""
    await connection.execute("DROP TABLE IF EXISTS floor")
    await connection.execute(_FLOOR)
    await connection.execute("CHECKPOINT")
    began = time.perf_counter()
    tag = await connection.execute(statement, window.start_at, window.end_at)
    seconds = time.perf_counter() - began
    await connection.execute("DROP TABLE floor")
    return int(tag.rsplit(" ", 1)[1]) / seconds


def _with_login(url: str, name: str) -> str:
    """Return the same database's URL with another user, whose password is the name."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{name}:{name}@{parts.netloc.rpartition('@')[2]}"))


ROWS: tuple[Row[Figures], ...] = (
    Row("greetings planned", lambda run: run.own.rows),
    Row(
        "rows a second, ledger and all indexes included", lambda run: run.own.rate, at_least=50_000
    ),
    Row("the bare INSERT, ids by default: rows a second", lambda run: run.floor),
    Row("share of its rate, %", lambda run: run.own.rate / run.floor * 100, at_least=50),
    Row("the bare INSERT, ids at hand: rows a second", lambda run: run.copied),
    Row("share of that rate, %", lambda run: run.own.rate / run.copied * 100),
    Row("write-ahead log, bytes a row", lambda run: run.own.wal_bytes / run.own.rows),
    Row(
        "CPU of PostgreSQL, us a row",
        lambda run: run.own.cpu_seconds / run.own.rows * 1e6,
        "{:.1f}",
    ),
    Row("peak memory of the Python process, MiB", lambda run: run.own.memory_mib, at_most=150),
    Row("the same window again: rows written", lambda run: run.again.rows, at_most=0),
    Row("the same window again, s", lambda run: run.again.seconds, "{:.1f}", at_most=3),
    Row("rows a second by an account that is no superuser", lambda run: run.ordinary.rate),
)


async def settings_of(url: str) -> dict[str, str]:
    """Return how the server is set."""
    connection = await connect(url)
    try:
        return {name: await connection.fetchval(f"SHOW {name}") for name in SHOWN}
    finally:
        await connection.close()


def main() -> None:
    """Measure once, and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--people", type=int, default=PEOPLE, help="people to plan for")
    parser.add_argument("--due", type=int, default=DUE, help="of whom about so many are due")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="heyday-bench-") as folder:
        found = asyncio.run(measure(options.people, options.due, Path(folder)))
    print("\n".join(row.cells([found]) for row in ROWS))


if __name__ == "__main__":
    main()
