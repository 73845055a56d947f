"""Build everything: the composition root, and the only reader of the real clock."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from heyday.db import migrate
from heyday.db.connection import Database, PoolConfig
from heyday.db.embedded import EmbeddedConfig, EmbeddedServer
from heyday.db.inbox import InboxRepository
from heyday.db.notifications import DueWakeup, Notifications
from heyday.db.transport import PostgresTransport, TransportConfig
from heyday.domain.delivery import DeliveryPolicy
from heyday.domain.errors import ConfigurationError
from heyday.domain.ports import Sender
from heyday.domain.retry import RetryPolicy
from heyday.domain.timezone import TimezoneService
from heyday.schedulers.daily import DailyScheduler
from heyday.schedulers.minute import MinuteScheduler
from heyday.schedulers.periodic import ClockWakeup
from heyday.schedulers.recovery import RecoveryScheduler
from heyday.senders.http import HttpConfig, HttpSender
from heyday.senders.inbox import InboxSender
from heyday.services.demo import DemoService
from heyday.services.health import HealthService
from heyday.services.importing import ImportService
from heyday.services.jobs import JobJournal
from heyday.services.planning import PlanConfig, Planner
from heyday.services.reconciling import ReconciliationService
from heyday.services.scheduling import MessageSchedulerService, SchedulerConfig
from heyday.services.sending import MessageSenderService, SendingConfig
from heyday.services.users import UserService
from heyday.settings import SenderName, Settings
from heyday.telemetry import Metrics
from heyday.workers.message import MessageWorker, WorkerConfig

# A wall clock may be set while somebody sleeps: look again at least this often.
_LONGEST_NAP = 1.0


class SystemClock:
    """Tell the real time."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - the one reader of the real clock

    def monotonic(self) -> float:
        """Return seconds on a clock that never jumps."""
        return time.monotonic()  # noqa: TID251 - the one reader of the real clock

    async def sleep_until(self, at: datetime) -> None:
        """Return once `now()` has reached `at`, never before."""
        while (left := (at - self.now()).total_seconds()) > 0:
            await asyncio.sleep(min(left, _LONGEST_NAP))


@dataclass(frozen=True, slots=True)
class App:
    """Hold what the doors need."""

    settings: Settings
    url: str
    clock: SystemClock
    metrics: Metrics
    database: Database
    notifications: Notifications
    inbox: InboxRepository
    planner: Planner
    users: UserService
    importer: ImportService
    demo: DemoService
    health: HealthService
    reconciliation: ReconciliationService
    daily: DailyScheduler
    minute: MinuteScheduler
    recovery: RecoveryScheduler
    worker: MessageWorker


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[str]:
    """Lend the URL of a running PostgreSQL: the one that is set, or Heyday's own."""
    if settings.database_url:
        yield settings.database_url
        return
    async with EmbeddedServer(EmbeddedConfig(home=settings.home)) as url:
        yield url


@asynccontextmanager
async def open_app(settings: Settings, *, is_server: bool = False) -> AsyncIterator[App]:
    """Build everything on a running and migrated database; close it in reverse.

    is_server: keeps the pool filled, as processes that stay want it.
    Raises ConfigurationError if a database that is not Heyday's own was not migrated.
    """
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(open_database(settings))
        clock = SystemClock()
        if not await migrate.is_current(url):
            if settings.database_url:
                raise ConfigurationError(
                    "the database has not the schema of this version; run: heyday db migrate"
                )
            await migrate.upgrade(url, clock.now())
        database = Database(_pool_config(settings, url, is_server=is_server))
        await database.open()
        stack.push_async_callback(database.close)
        inbox = InboxRepository(database)
        sender = await stack.enter_async_context(_open_sender(settings, inbox, clock))
        yield _build(settings, url, clock, database, inbox, sender)


def _pool_config(settings: Settings, url: str, *, is_server: bool) -> PoolConfig:
    return PoolConfig(
        url=url,
        min_size=settings.pool_min if is_server else 1,
        max_size=settings.pool_max,
        idle=settings.pool_idle,
        connect_timeout=settings.connect_timeout,
        log_statements=settings.log_sql,
    )


@asynccontextmanager
async def _open_sender(
    settings: Settings, inbox: InboxRepository, clock: SystemClock
) -> AsyncIterator[Sender]:
    if settings.sender_name is SenderName.INBOX:
        yield InboxSender(inbox, clock)
        return
    config = HttpConfig(
        url=settings.email_service_url or "",
        timeout=settings.call_timeout,
        honours_keys=settings.provider_honours_keys,
    )
    async with HttpSender(config, clock) as sender:
        yield sender


def _build(  # noqa: PLR0913 - one parameter for each part that must be open first
    settings: Settings,
    url: str,
    clock: SystemClock,
    database: Database,
    inbox: InboxRepository,
    sender: Sender,
) -> App:
    metrics = Metrics()
    timezones = TimezoneService(settings.send_time, settings.leap_day)
    planner = Planner(
        timezones, PlanConfig(settings.plan_horizon, settings.late_window, settings.late_join)
    )
    notifications = Notifications(url)
    transport = PostgresTransport(database, notifications, clock, TransportConfig())
    policy = DeliveryPolicy(RetryPolicy(settings.max_retries), sender.honours_keys)
    sending = MessageSenderService(
        database, sender, policy, planner, clock, metrics, random.random,
        SendingConfig(settings.concurrency, settings.call_timeout),
    )  # fmt: skip
    scheduling = MessageSchedulerService(
        database, transport, planner, sending, JobJournal(database, clock), clock,
        SchedulerConfig(settings.look_ahead, settings.batch_size),
    )  # fmt: skip
    users = UserService(database, planner, clock)
    alarm = ClockWakeup(clock)
    return App(
        settings=settings,
        url=url,
        clock=clock,
        metrics=metrics,
        database=database,
        notifications=notifications,
        inbox=inbox,
        planner=planner,
        users=users,
        importer=ImportService(database, planner, clock),
        demo=DemoService(users, timezones, clock),
        health=HealthService(database, clock, timezones),
        reconciliation=ReconciliationService(database, planner, clock),
        daily=DailyScheduler(scheduling, alarm, clock, metrics),
        minute=MinuteScheduler(scheduling, DueWakeup(notifications, clock), clock, metrics),
        recovery=RecoveryScheduler(scheduling, alarm, clock, metrics),
        worker=MessageWorker(transport, sending, clock, WorkerConfig()),
    )
