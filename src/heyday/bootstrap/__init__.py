"""Build everything: the composition root."""

import random
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from heyday.bootstrap.access import AccessParts, build_access
from heyday.bootstrap.bursts import limit_domains
from heyday.bootstrap.database import open_database, pool_config
from heyday.bootstrap.habits import HabitParts, build_habits
from heyday.bootstrap.health import build_health
from heyday.bootstrap.imports import ImportParts, build_imports
from heyday.bootstrap.own_texts import TextParts
from heyday.bootstrap.privacy import PrivacyParts, load_seals
from heyday.bootstrap.provider import (
    build_gate,
    build_routes,
    open_senders,
    sending_config,
)
from heyday.bootstrap.sends import SendParts, find_sends
from heyday.bootstrap.tracing import followed
from heyday.clock import SteadyClock
from heyday.db import migrate
from heyday.db.activity import PostgresActivity
from heyday.db.cases import CaseRepository
from heyday.db.connection import Database
from heyday.db.dead_batches import PostgresDeadLetters
from heyday.db.forecasts import ForecastRepository
from heyday.db.inbox import InboxRepository
from heyday.db.notifications import PACE, Announcements, DueWakeup, Notifications
from heyday.db.polling import Polling
from heyday.db.transport import PostgresTransport, TransportConfig
from heyday.domain.errors import ConfigurationError
from heyday.domain.gate_ports import Gate
from heyday.domain.message_types import BIRTHDAY, MESSAGE_TYPES
from heyday.domain.ports import BatchSender, Clock, ClockGuard, Store, Transport
from heyday.domain.queue_ports import DeadLetters
from heyday.domain.sealing import NO_SEALS, Seals
from heyday.domain.timezone import TimezoneService
from heyday.failpoints import Failpoints, parse_failpoints
from heyday.queue.config import QueueConfig
from heyday.queue.transport import QueueTransport
from heyday.schedulers.clock_watch import ClockWatch
from heyday.schedulers.daily import DailyScheduler
from heyday.schedulers.heartbeat import Heartbeat
from heyday.schedulers.minute import MinuteScheduler
from heyday.schedulers.periodic import ClockWakeup
from heyday.schedulers.recovery import RecoveryScheduler
from heyday.schedulers.sweep import SweepScheduler
from heyday.schedulers.transaction_watch import TransactionWatch
from heyday.services.demo import DemoService
from heyday.services.events import EventService
from heyday.services.explaining import ExplanationService
from heyday.services.forecasting import ForecastService
from heyday.services.health import HealthService
from heyday.services.jobs import JobJournal
from heyday.services.planning import PlanConfig, Planner
from heyday.services.reconciling import ReconciliationService
from heyday.services.resolving import ResolutionService
from heyday.services.restores import RestoreService
from heyday.services.scheduling import MessageSchedulerService, SchedulerConfig
from heyday.services.sending import MessageSenderService
from heyday.services.trial import TrialService
from heyday.services.users import UserService
from heyday.services.without_broker import WithoutBroker, WithoutBrokerConfig
from heyday.settings import Settings
from heyday.settings.choices import Pooler, SenderName
from heyday.telemetry import Metrics
from heyday.workers.message import MessageWorker, WorkerConfig

if TYPE_CHECKING:
    from heyday.services.domain_limits import DomainLimitedSender
    from heyday.services.gate import ProviderGate

log = structlog.get_logger()


class App:
    """Hold what the doors need; each part is built when it is first asked for.

    senders: what talks to providers, by name.   failpoints: where the process is to die; None:
    nowhere.   clock: the time; None: one that begins now.   seals: what links and addresses are
    sealed with.   sends: where sends are noted; None: nowhere.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - one parameter for each part that is open
        self,
        settings: Settings,
        url: str,
        database: Database,
        inbox: InboxRepository,
        senders: Mapping[str, BatchSender],
        failpoints: Failpoints | None = None,
        clock: SteadyClock | None = None,
        seals: Seals = NO_SEALS,
        sends: Path | None = None,
    ) -> None:
        self._seals = seals
        self._sends = sends
        self.settings = settings
        self.url = url
        self.database = database
        self.inbox = inbox
        self._steady = clock or SteadyClock(settings.clock_tolerance)
        self.clock: Clock = self._steady
        self.metrics = Metrics()
        self._senders = failpoints.guard_senders(senders) if failpoints else senders
        self._closing: list[ProviderGate | DomainLimitedSender] = []
        self._store: Store = failpoints.guard_store(database) if failpoints else database
        self._failpoints = failpoints
        self.timezones = {t.name: TimezoneService(settings.policies(t.name)) for t in MESSAGE_TYPES}

    @cached_property
    def guard(self) -> ClockGuard:
        """Return what says whether nothing is held, and whether the clocks can be trusted."""
        return self.sends.guard()

    @cached_property
    def sends(self) -> SendParts:
        """Return what knows outside the database what was sent."""
        parts = (self.settings, self._sends, self.database, self._steady, self.metrics)
        return SendParts(*parts)

    @cached_property
    def restores(self) -> RestoreService:
        """Return what brings a restored database up to what was sent."""
        return self.sends.restores(self._scheduling.plan)

    @cached_property
    def clock_watch(self) -> ClockWatch:
        """Return what raises the alarm if they cannot."""
        return ClockWatch(self.guard, self.clock)

    @cached_property
    def transaction_watch(self) -> TransactionWatch:
        """Return what raises the alarm if a transaction is open for long."""
        return TransactionWatch(PostgresActivity(self.database), self.clock, self.metrics)

    @cached_property
    def heartbeat(self) -> Heartbeat | None:
        """Return what shows from outside that the process lives, if anybody looks."""
        path = self.settings.heartbeat
        return Heartbeat(path, self.clock) if path else None

    @cached_property
    def announcements(self) -> Announcements:
        """Return what tells of other processes' news."""
        if self.settings.pooler is Pooler.NONE:
            return Notifications(self.url)
        return Polling(self.database, self.clock, self.planner.claim_rules)

    @cached_property
    def planner(self) -> Planner:
        """Return what plans greetings."""
        config = PlanConfig(self.settings.plan_horizon)
        return Planner(self.timezones, config, self.texts.shelf)

    @cached_property
    def texts(self) -> TextParts:
        """Return what knows the texts of greetings."""
        return TextParts(self.settings, self.database, self.clock)

    @cached_property
    def users(self) -> UserService:
        """Return what keeps people."""
        return UserService(self._store, self.planner, self.clock)

    @cached_property
    def habits(self) -> HabitParts:
        """Return what notes deeds, and keeps replies."""
        return build_habits(self.database, self.events, self.clock, self.settings)

    @cached_property
    def imports(self) -> ImportParts:
        """Return what takes people in by the thousand."""
        parts = (self._store, self.planner, self.clock, self.announcements, self.metrics)
        return build_imports(*parts)

    @cached_property
    def privacy(self) -> PrivacyParts:
        """Return what keeps people's privacy."""
        return PrivacyParts(self.settings, self.database, self.planner, self.clock, self._seals)

    @cached_property
    def demo(self) -> DemoService:
        """Return what brings people to look at."""
        return DemoService(self.users, self.timezones[BIRTHDAY.name], self.clock)

    @cached_property
    def trial(self) -> TrialService:
        """Return what tries whether letters leave."""
        # A letter in the mailbox that belongs to no greeting would upset the books.
        reaching = {k: v for k, v in self._senders.items() if k != SenderName.INBOX}
        return TrialService(reaching, self.clock)

    @cached_property
    def health(self) -> HealthService:
        """Return what tells how Heyday is."""
        parts = (self.settings, self.database, self.clock, self.guard, self._queue)
        return build_health(*parts)

    @cached_property
    def access(self) -> AccessParts:
        """Return what decides who may ask the API, and how often."""
        parts = (self.settings, self.database, self.announcements, self.clock, self.metrics)
        return build_access(*parts)

    @cached_property
    def reconciliation(self) -> ReconciliationService:
        """Return what balances the books."""
        # Only a mailbox of ours can be asked which letters it has.
        acceptances = self.inbox if self.settings.sender_names == [SenderName.INBOX] else None
        return ReconciliationService(self.database, self.planner, self.clock, acceptances)

    @cached_property
    def resolutions(self) -> ResolutionService:
        """Return what settles greetings that wait for a person's decision."""
        return ResolutionService(self.database, self.planner, self.clock, self.metrics)

    @cached_property
    def events(self) -> EventService:
        """Return what takes in what providers tell of letters."""
        return EventService(self.database, self.planner, self.clock, self.metrics)

    @cached_property
    def forecasts(self) -> ForecastService:
        """Return what tells what will be sent when."""
        return ForecastService(ForecastRepository(self.database), self.timezones, self.clock)

    @cached_property
    def explanations(self) -> ExplanationService:
        """Return what tells why somebody is greeted, or is not."""
        cases, horizon = CaseRepository(self.database), self.settings.plan_horizon
        return ExplanationService(cases, self.timezones, self.clock, horizon)

    @cached_property
    def daily(self) -> DailyScheduler:
        """Return what plans once a day."""
        alarm = ClockWakeup(self.clock)
        parts = self._scheduling, alarm, self.clock, self.guard, self.metrics
        return DailyScheduler(*parts, self.privacy.retention)

    @cached_property
    def minute(self) -> MinuteScheduler:
        """Return what hands over what is due."""
        alarm = DueWakeup(self.announcements, self.clock)
        return MinuteScheduler(self._scheduling, alarm, self.clock, self.guard, self.metrics)

    @cached_property
    def sweep(self) -> SweepScheduler:
        """Return what brings back what is stuck on its way."""
        alarm, every = ClockWakeup(self.clock), self.settings.sweep_every
        return SweepScheduler(self._scheduling, alarm, self.clock, self.guard, self.metrics, every)

    @cached_property
    def recovery(self) -> RecoveryScheduler:
        """Return what sweeps up."""
        alarm = ClockWakeup(self.clock)
        return RecoveryScheduler(self._scheduling, alarm, self.clock, self.guard, self.metrics)

    @cached_property
    def worker(self) -> MessageWorker:
        """Return what sends."""
        config = WorkerConfig(full=self.settings.calls_in_lane)
        return MessageWorker(self._transport, self._sending, self.clock, self.guard, config)

    async def close(self) -> None:
        """End what goes on in the background."""
        for part in self._closing:
            await part.close()
        await self.sends.ledger.close()
        if self._queue:
            await self._queue.close()
        # Only an API has built it, and only there is something to close.
        if access := vars(self).get("access"):
            await access.close()

    @cached_property
    def dead_letters(self) -> DeadLetters:
        """Return what the transport has set aside."""
        if self._queue:
            return self._queue.dead_letters
        return PostgresDeadLetters(self.database, self.clock, TransportConfig())

    @cached_property
    def _queue(self) -> QueueTransport | None:
        if not self.settings.rabbitmq_urls:
            return None
        config = QueueConfig(self.settings.rabbitmq_urls, prefetch=WorkerConfig().prefetch)
        return QueueTransport(config, self.clock)

    @cached_property
    def _transport(self) -> Transport:
        transport = self._open_transport()
        return self._failpoints.guard_transport(transport) if self._failpoints else transport

    def _open_transport(self) -> Transport:
        settings = self.settings
        if self._queue is None:
            config = TransportConfig()
            return PostgresTransport(self.database, self.announcements, self.clock, config)
        return WithoutBroker(
            self._queue,
            self._store,
            self.planner,
            self.clock,
            WithoutBrokerConfig(
                after=settings.without_broker_after, batch_size=settings.ids_in_batch
            ),
        )

    def _open_gate(self, settings: Settings) -> Gate:
        """Return what stands before a sender. settings: as they hold for it."""
        parts = (self.database, self.announcements.event(PACE), self.clock, self.metrics)
        self._closing.append(gate := build_gate(settings, *parts))
        return gate

    @cached_property
    def _sending(self) -> MessageSenderService:
        settings = self.settings
        parts = (self._senders, self.database, self.clock, self.metrics)
        limited = limit_domains(settings, *parts)
        self._closing += limited.values()
        return MessageSenderService(
            store=self._store,
            routes=build_routes(settings, {**self._senders, **limited}, self._open_gate),
            planner=self.planner,
            clock=self.clock,
            metrics=self.metrics,
            jitter=random.random,
            config=sending_config(settings),
            ledger=self.sends.ledger,
        )

    @cached_property
    def _scheduling(self) -> MessageSchedulerService:
        return MessageSchedulerService(
            store=self._store,
            transport=self._transport,
            planner=self.planner,
            sending=self._sending,
            journal=JobJournal(self.database, self.clock),
            clock=self.clock,
            config=SchedulerConfig(
                self.settings.look_ahead,
                self.settings.ids_in_batch,
                lost_after=self.settings.lost_after,
            ),
            upkeep=self.habits.upkeep,
            events=self.events,
        )


@asynccontextmanager
async def open_app(settings: Settings, *, is_server: bool = False) -> AsyncIterator[App]:
    """Build everything on a running and migrated database; close it in reverse.

    is_server: keeps the pool filled, as processes that stay want it.
    Raises ConfigurationError if a database that is not Heyday's own was not migrated.
    """
    failpoints = _arm(settings.failpoints)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(followed(settings))
        url = await stack.enter_async_context(open_database(settings))
        clock = SteadyClock(settings.clock_tolerance)
        if not await migrate.is_current(url, settings.connect_timeout):
            if settings.database_url:
                raise ConfigurationError(migrate.UNMIGRATED)
            await migrate.upgrade(url, clock.now())
        database = Database(pool_config(settings, url, is_server=is_server))
        await database.open()
        stack.push_async_callback(database.close)
        seals = await load_seals(settings, database)
        database.seal_with(seals)
        inbox = InboxRepository(database)
        senders = await stack.enter_async_context(open_senders(settings, inbox, clock, seals))
        sends = await find_sends(settings, database)
        app = App(settings, url, database, inbox, senders, failpoints, clock, seals, sends)
        stack.push_async_callback(app.close)
        yield app


def _arm(text: str) -> Failpoints | None:
    """Return the points that are armed, if any. Raises ConfigurationError."""
    armed = parse_failpoints(text)
    if not armed:
        return None
    log.warning(
        "failpoints_armed", points=[f"{each.point}={each.action}#{each.arrival}" for each in armed]
    )
    return Failpoints(armed)
