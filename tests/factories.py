"""Build people, and the whole pipeline around them: a real database, a clock and a provider."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

import asyncpg

from heyday.db.connection import Database, PoolConfig
from heyday.db.day_counts import PostgresDays
from heyday.db.notifications import PACE, DueWakeup, Notifications
from heyday.db.pacing import PostgresPace
from heyday.db.texts import TextRepository
from heyday.db.transport import PostgresTransport, TransportConfig
from heyday.domain.breaker import Breaker, BreakerConfig
from heyday.domain.day_cap import DayCap
from heyday.domain.delivery import DeliveryPolicy
from heyday.domain.message_types import BIRTHDAY, MESSAGE_TYPES, MessageType
from heyday.domain.models import User
from heyday.domain.pace import PacePolicy
from heyday.domain.policies import TimePolicies
from heyday.domain.ports import BatchSender, Clock, ClockGuard, Store, Transport
from heyday.domain.retry import RetryPolicy
from heyday.domain.sealing import Seals
from heyday.domain.seed_texts import SeedBook, SeedLibrary
from heyday.domain.send_ports import NO_LEDGER, SendLedger
from heyday.domain.sender_plan import Share
from heyday.domain.text_choice import TextChoice, TextNeeds, choose, usual_years
from heyday.domain.text_ports import BookShelf
from heyday.domain.timezone import TimezoneService, ZoneDay
from heyday.domain.tzdb import PINNED, TzDatabase
from heyday.failpoints import Failpoints
from heyday.schedulers.daily import DailyScheduler
from heyday.schedulers.minute import MinuteScheduler
from heyday.schedulers.periodic import ClockWakeup
from heyday.schedulers.recovery import RecoveryScheduler
from heyday.schedulers.sweep import SweepScheduler
from heyday.services.bulk import BulkService
from heyday.services.events import EventService
from heyday.services.gate import ProviderGate
from heyday.services.import_jobs import ImportJobService
from heyday.services.import_running import ImportRunner
from heyday.services.importing import ImportService
from heyday.services.jobs import JobJournal
from heyday.services.planning import PlanConfig, Planner
from heyday.services.reconciling import ReconciliationService
from heyday.services.routes import Route, Routes
from heyday.services.scheduling import (
    RHYTHMS,
    SWEEP,
    MessageSchedulerService,
    SchedulerConfig,
)
from heyday.services.sending import MessageSenderService, SendingConfig
from heyday.services.text_preview import TextPreviewService
from heyday.services.texts import TextService, TextShelf
from heyday.services.users import UserService
from heyday.telemetry import Metrics
from heyday.workers.message import MessageWorker, WorkerConfig
from tests.fakes import FakeGuard, RecordingSender

MIDDLE = 0.5
"""The jitter that leaves a retry's delay as it is."""

SEALS = Seals((b"a secret of 32 bytes, and no more",))
"""What links and addresses of tests are sealed with."""

_numbers = count(1)


def person(**fields: object) -> dict[str, object]:
    """Return the fields of a valid person with an address of their own."""
    return {
        "first_name": "Ada",
        "last_name": "Lovelace",
        "email": f"ada.{next(_numbers)}@example.com",
        "timezone": "Europe/London",
        **fields,
    }


def timezones_of(
    policies: TimePolicies | None = None,
    tzdb: TzDatabase = PINNED,
    by_type: Mapping[str, TimePolicies] | None = None,
) -> dict[str, TimezoneService]:
    """Return what answers when each message type leaves: by its own policies, else by these."""
    own = by_type or {}
    return {t.name: TimezoneService(own.get(t.name, policies), tzdb) for t in MESSAGE_TYPES}


def seed_choice(message_type: MessageType, zone_days: Sequence[ZoneDay]) -> TextChoice:
    """Return the texts of people without a locale, of the years that Heyday takes."""
    days = [day.delivery_on for day in zone_days]
    needs = TextNeeds(frozenset({None}), {message_type.name: usual_years(max(days).year)})
    return choose(SeedBook(), message_type, needs, days, lambda *_: None)


def gate_of(  # noqa: PLR0913 - one parameter for each part that it joins
    database: Database,
    clock: Clock,
    metrics: Metrics,
    *,
    news: asyncio.Event | None = None,
    breaker: BreakerConfig | None = None,
    limit: float | None = None,
    name: str = "test",
    cap: DayCap | None = None,
) -> ProviderGate:
    """Return what stands before a provider."""
    return ProviderGate(
        provider=name,
        breaker=Breaker(breaker or BreakerConfig()),
        pace=PostgresPace(database, news or asyncio.Event(), name, PacePolicy(limit)),
        clock=clock,
        metrics=metrics,
        days=PostgresDays(database, name, cap) if cap else None,
    )


@dataclass(frozen=True, slots=True)
class PipelineConfig:
    """Set what differs between the pipelines of tests.

    senders: those that share, in the place of the one that the pipeline is given.
    """

    time: TimePolicies = field(default_factory=TimePolicies)
    time_by_type: Mapping[str, TimePolicies] = field(default_factory=dict)
    tzdb: TzDatabase = PINNED
    plan: PlanConfig = field(default_factory=PlanConfig)
    shelf: BookShelf | None = None
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    holding: frozenset[str] = frozenset()
    breaker: BreakerConfig = field(default_factory=BreakerConfig)
    rate_limit: float | None = None
    cap: DayCap | None = None
    sending: SendingConfig = field(default_factory=SendingConfig)
    scheduling: SchedulerConfig = field(default_factory=SchedulerConfig)
    transport: TransportConfig = field(default_factory=TransportConfig)
    worker: WorkerConfig = field(default_factory=WorkerConfig)
    pool_max: int = 10
    guard: ClockGuard = field(default_factory=FakeGuard)
    failpoints: Failpoints | None = None
    senders: Mapping[Share, BatchSender] = field(default_factory=dict)
    ledger: SendLedger = NO_LEDGER


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Hold every part between a person and a provider, and look into the database."""

    url: str
    clock: Clock
    database: Database
    notifications: Notifications
    transport: Transport
    timezones: TimezoneService
    planner: Planner
    users: UserService
    texts: TextService
    previews: TextPreviewService
    bulk: BulkService
    imports: ImportJobService
    import_runner: ImportRunner
    sender: RecordingSender
    sending: MessageSenderService
    scheduling: MessageSchedulerService
    reconciliation: ReconciliationService
    metrics: Metrics
    daily: DailyScheduler
    minute: MinuteScheduler
    sweep: SweepScheduler
    recovery: RecoveryScheduler
    worker: MessageWorker

    async def create(self, **fields: object) -> User:
        """Store a person through the service."""
        return await self.users.create(person(**fields))

    async def insert(self, **columns: object) -> UUID:
        """Store a person by plain SQL: nothing is planned. They count as there for ever."""
        row = {**person(), "eligible_since": "-infinity", **columns}
        names = ", ".join(row)
        values = ", ".join(_literal(value) for value in row.values())
        statement = f"INSERT INTO users ({names}) VALUES ({values}) RETURNING id"  # noqa: S608
        return UUID(str(await self.value(statement)))

    async def rows(self, query: str, *values: object) -> list[asyncpg.Record]:
        """Return the rows of a query."""
        async with self.database.connection() as connection:
            return await connection.fetch(query, *values)

    async def value(self, query: str, *values: object) -> Any:
        """Return the first value of a query."""
        async with self.database.connection() as connection:
            return await connection.fetchval(query, *values)

    async def execute(self, statement: str, *values: object) -> None:
        """Run a statement, as a person with psql would."""
        async with self.database.connection() as connection:
            await connection.execute(statement, *values)

    async def messages(self, user_id: UUID | None = None) -> list[asyncpg.Record]:
        """Return the greetings, of one person or of all, by instant and type."""
        return await self.rows(
            "SELECT * FROM message_logs WHERE $1::uuid IS NULL OR user_id = $1 "
            "ORDER BY scheduled_send_time, message_type DESC, user_id",
            user_id,
        )

    async def message(self, user_id: UUID | None = None) -> asyncpg.Record:
        """Return the only greeting there is."""
        (row,) = await self.messages(user_id)
        return row

    async def statuses(self, user_id: UUID | None = None) -> list[str]:
        """Return the statuses of the greetings, by instant and type."""
        return [row["status"] for row in await self.messages(user_id)]

    async def send_due(self) -> int:
        """Enqueue and deliver what is due; return how many calls it took."""
        await self.minute.run_once()
        return await self.deliver_all()

    async def deliver_all(self) -> int:
        """Deliver every batch that is due, as the only worker; return how many calls it took."""
        calls = 0
        due = "SELECT count(*) FROM queue_batches WHERE visible_at <= $1 AND due_at <= $1"
        while await self.value(due, self.clock.now()):
            async with contextlib.aclosing(self.transport.deliveries()) as deliveries:
                delivery = await anext(deliveries)
                calls += await self.sending.deliver(delivery.batch)
                await delivery.ack()
        return calls

    async def wait_until_blocked(self, backends: int = 1) -> None:
        """Return once so many backends of this database wait for a lock."""
        blocked = (
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        async with asyncio.timeout(10):
            while await self.value(blocked) < backends:
                pass


def _literal(value: object) -> str:
    return "NULL" if value is None else "'" + str(value).replace("'", "''") + "'"


Start = Callable[[PipelineConfig], AbstractAsyncContextManager[Pipeline]]
"""Open a pipeline on the database of a test."""


@contextlib.asynccontextmanager
async def open_pipeline(
    url: str,
    *,
    clock: Clock,
    sender: RecordingSender,
    config: PipelineConfig | None = None,
    transport: Transport | None = None,
) -> AsyncIterator[Pipeline]:
    """Lend a pipeline of its own on a database, as another process would have it."""
    config = config or PipelineConfig()
    pool = PoolConfig(url, min_size=1, max_size=config.pool_max, patience=timedelta(seconds=5))
    database = Database(pool)
    database.seal_with(SEALS)
    await database.open()
    try:
        yield _wire(url, clock, sender, config, database, transport)
    finally:
        # A test that failed may hold a connection: better an error than a hang.
        async with asyncio.timeout(10):
            await database.close()


def _wire(  # noqa: PLR0913, PLR0917 - one parameter for each part that it joins
    url: str,
    clock: Clock,
    sender: RecordingSender,
    config: PipelineConfig,
    database: Database,
    transport: Transport | None,
) -> Pipeline:
    metrics = Metrics()
    timezones = timezones_of(config.time, config.tzdb, config.time_by_type)
    store_of_texts, library = TextRepository(database), SeedLibrary()
    shelf = TextShelf(store_of_texts, library, clock)
    planner = Planner(timezones, config.plan, config.shelf or shelf)
    users = UserService(database, planner, clock)
    texts = TextService(store_of_texts, library, shelf, clock)
    notifications = Notifications(url)
    transport = transport or PostgresTransport(database, notifications, clock, config.transport)
    store: Store = database
    if points := config.failpoints:
        store, transport = points.guard_store(store), points.guard_transport(transport)
    senders = config.senders or {Share("test"): sender}
    routes = [
        _route(
            share,
            each,
            config,
            gate_of(
                database,
                clock,
                metrics,
                news=notifications.event(PACE),
                breaker=config.breaker,
                limit=config.rate_limit,
                name=share.sender,
                cap=config.cap,
            ),
        )
        for share, each in senders.items()
    ]
    sending = MessageSenderService(
        store=store,
        routes=Routes(routes),
        planner=planner,
        clock=clock,
        metrics=metrics,
        jitter=lambda: MIDDLE,
        config=config.sending,
        ledger=config.ledger,
    )
    scheduling = MessageSchedulerService(
        store=store,
        transport=transport,
        planner=planner,
        sending=sending,
        journal=JobJournal(database, clock),
        clock=clock,
        config=config.scheduling,
        events=EventService(database, planner, clock, metrics),
    )
    importer = ImportService(store, planner, clock, 100, metrics)
    alarm, guard = ClockWakeup(clock), config.guard
    due = DueWakeup(notifications, clock)
    return Pipeline(
        url=url,
        clock=clock,
        database=database,
        notifications=notifications,
        transport=transport,
        timezones=timezones[BIRTHDAY.name],
        planner=planner,
        users=users,
        texts=texts,
        previews=TextPreviewService(texts, users, clock),
        bulk=BulkService(database, planner, clock),
        imports=ImportJobService(store, clock, chunk_bytes=1000),
        import_runner=ImportRunner(store, importer, clock),
        sender=sender,
        sending=sending,
        scheduling=scheduling,
        reconciliation=ReconciliationService(database, planner, clock),
        metrics=metrics,
        daily=DailyScheduler(scheduling, alarm, clock, guard, metrics),
        minute=MinuteScheduler(scheduling, due, clock, guard, metrics),
        sweep=SweepScheduler(scheduling, alarm, clock, guard, metrics, RHYTHMS[SWEEP]),
        recovery=RecoveryScheduler(scheduling, alarm, clock, guard, metrics),
        worker=MessageWorker(transport, sending, clock, guard, config.worker),
    )


def _route(share: Share, sender: BatchSender, config: PipelineConfig, gate: ProviderGate) -> Route:
    policy = DeliveryPolicy(config.retry, sender.key_lifetime, config.holding)
    guarded = config.failpoints.guard_sender(sender) if config.failpoints else sender
    return Route(share, guarded, gate, policy)
