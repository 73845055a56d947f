"""Measure what a person and a greeting take of PostgreSQL: bytes, WAL, CPU of its process.

A private PostgreSQL, durable; people from the product's seeder, greetings of a year from its
planner, which then live from SCHEDULED to SENT by the statements that schedulers and workers run.
None of it needs a quiet machine.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]  # it has no stubs of its own

from benchmarks import machine
from benchmarks.plan import settings_of
from benchmarks.pooler import BATCH, LEASE, run, sent
from heyday.bootstrap import App, open_app
from heyday.db import migrate
from heyday.db.connection import connect
from heyday.db.embedded import EmbeddedConfig, EmbeddedServer
from heyday.db.seeding.copying import copy_population
from heyday.db.seeding.population import Population
from heyday.domain.models import (
    Batch,
    Claim,
    ClaimedMessage,
    ClaimRules,
    DueMessage,
    Recorded,
)
from heyday.domain.ports import Session
from heyday.domain.timezone import Window
from heyday.services.scheduling import SchedulerConfig, make_batch
from heyday.settings import Settings

START_AT = datetime(2027, 1, 1, tzinfo=UTC)
RUNS = 5
WINDOW = timedelta(days=73)
STEPS = ("plan", "queue", "claim", "record")
"""What each run has one of."""

_SIZES = """
SELECT coalesce(sum(pg_table_size(relid)), 0)::bigint AS "table",
       coalesce(sum(pg_indexes_size(relid)), 0)::bigint AS indexes
FROM (SELECT relid FROM pg_partition_tree($1::regclass) UNION SELECT $1::regclass) AS t
"""
_UPDATES = """
SELECT sum(n_tup_hot_upd)::float8 / nullif(sum(n_tup_upd), 0)
FROM pg_stat_user_tables WHERE relname LIKE 'message_logs%'
"""
_SO_FAR = "SELECT pg_backend_pid(), pg_current_wal_insert_lsn() - '0/0'::pg_lsn"
_MONTHS = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'message_logs'::regclass"


@dataclass(frozen=True, slots=True)
class Step:
    """Hold what one step took in one run. wal, cpu: bytes and microseconds a greeting."""

    name: str
    greetings: int
    wal: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Stored:
    """Hold all that was measured. sizes: bytes a row, by what and when.   hot: share of updates."""

    people: int
    greetings: int
    partitions: int
    sizes: dict[str, float]
    hot: float
    steps: list[Step]
    facts: dict[str, str]


async def measure(people: int, folder: Path) -> Stored:
    """Seed a new server, plan a year, live through it."""
    facts = machine.describe(folder)
    async with EmbeddedServer(EmbeddedConfig(home=folder)) as url:
        await migrate.upgrade(url, START_AT)
        await seed(url, people)
        facts |= await settings_of(url)
        sizes = _a_row("users", await size(url, "users"), people)
        settings = Settings.model_validate(
            {"DATABASE_URL": url, "HEYDAY_POOL_MIN": 1, "HEYDAY_POOL_MAX": 2}
        )
        async with open_app(settings) as app:
            year = Year(app)
            await year.plan()
            planned = sum(step.greetings for step in year.steps)
            sizes |= _a_row("message_logs, planned", await size(url, "message_logs"), planned)
            sizes |= _a_row("idempotency_keys", await size(url, "idempotency_keys"), planned)
            # Autovacuum comes by sooner or later, and its statistics decide how a claim joins.
            await run(url, "ANALYZE")
            # What is changed first after a checkpoint goes into the WAL as a whole page.
            await run(url, "CHECKPOINT")
            await year.deliver()
            hot = await year.share_of_hot_updates()
        sizes |= _a_row("message_logs, sent", await size(url, "message_logs"), planned)
        partitions = await fetch(url, _MONTHS)
    return Stored(people, planned, partitions, sizes, hot, year.steps, facts)


async def seed(url: str, people: int) -> None:
    """Bring people in."""
    connection = await connect(url)
    await copy_population(connection, Population(1, START_AT), people, lambda *_: None)
    await connection.close()
    await run(url, "VACUUM (ANALYZE) users")


def _a_row(name: str, found: dict[str, int], rows: int) -> dict[str, float]:
    return {f"{name}: {what}": size / rows for what, size in found.items()}


async def size(url: str, table: str) -> dict[str, int]:
    """Return the bytes of a table with all its partitions, and of their indexes."""
    connection = await connect(url)
    try:
        return dict(await connection.fetchrow(_SIZES, table) or {})
    finally:
        await connection.close()


async def fetch(url: str, statement: str) -> Any:
    """Return the one value that a statement gives."""
    connection = await connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


@dataclass(frozen=True, slots=True)
class Year:
    """Plan and deliver a year of greetings in RUNS windows.

    All of it over one connection: the pool lends the same again.
    """

    app: App
    steps: list[Step] = field(default_factory=list)

    async def plan(self) -> None:
        """Plan each window, as the daily scheduler plans one."""
        planner, store = self.app.planner, self.app.database
        for window in windows():
            await planner.ensure_partitions(store, window)
            await self._step("plan", partial(planner.plan_window, store, window, window.start_at))

    async def deliver(self) -> None:
        """Take each window's greetings to SENT, chunk by chunk and batch by batch."""
        for window in windows():
            due: list[DueMessage] = []
            claimed: list[Sequence[ClaimedMessage]] = []
            now = window.end_at
            await self._step("queue", partial(self._queue, now, due))
            await self._step("claim", partial(self._claim, now, due, claimed))
            await self._step("record", partial(self._record, now, claimed))

    async def share_of_hot_updates(self) -> float:
        """Return which share of all updates of greetings touched no index."""
        async with self.app.database.connection() as connection:
            await connection.execute("SELECT pg_stat_force_next_flush()")
            return float(await connection.fetchval(_UPDATES) or 0.0)

    async def _queue(self, now: datetime, due: list[DueMessage]) -> int:
        def take(session: Session) -> Awaitable[list[DueMessage]]:
            return session.messages.enqueue_due(now, now, self._rules, SchedulerConfig().chunk)

        while chunk := await self.app.database.in_transaction(take):
            due += chunk
        return len(due)

    async def _claim(
        self, now: datetime, due: Sequence[DueMessage], claimed: list[Sequence[ClaimedMessage]]
    ) -> int:
        for start in range(0, len(due), BATCH):
            batch = make_batch(now, due[start : start + BATCH])

            def take(session: Session, batch: Batch = batch) -> Awaitable[Claim]:
                return session.messages.claim(batch, now, self._rules, LEASE)

            claimed.append((await self.app.database.in_transaction(take)).messages)
        return sum(map(len, claimed))

    async def _record(self, now: datetime, claimed: Sequence[Sequence[ClaimedMessage]]) -> int:
        recorded = 0
        for messages in filter(None, claimed):
            outcomes = [sent(message, now) for message in messages]

            def write(session: Session, outcomes: list[Recorded] = outcomes) -> Awaitable[int]:
                return session.messages.record(outcomes)

            recorded += await self.app.database.in_transaction(write)
        return recorded

    @property
    def _rules(self) -> ClaimRules:
        """Return rules by which nothing of the year is too late."""
        return self.app.planner.claim_rules(START_AT - WINDOW)

    async def _step(self, name: str, work: Callable[[], Awaitable[int]]) -> None:
        wal, cpu = await self._look()
        greetings = await work()
        wal_after, cpu_after = await self._look()
        step = Step(name, greetings, (wal_after - wal) / greetings, (cpu_after - cpu) / greetings)
        print(f"{step.name}: {greetings:,}, {step.wal:,.0f} B of WAL, {step.cpu:.1f} us each")
        self.steps.append(step)

    async def _look(self) -> tuple[float, float]:
        """Return the bytes of WAL, and the microseconds of the process that serves us."""
        async with self.app.database.connection() as connection:
            row = await connection.fetchrow(_SO_FAR)
            assert row is not None  # noqa: S101 - a statement without FROM has one row
            pid, wal = row
        taken = psutil.Process(pid).cpu_times()
        return float(wal), (taken.user + taken.system) * 1e6


def windows() -> list[Window]:
    """Return the windows of the year."""
    starts = [START_AT + number * WINDOW for number in range(RUNS)]
    return [Window(start_at, start_at + WINDOW) for start_at in starts]
