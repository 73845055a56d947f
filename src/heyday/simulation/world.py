"""Build the real parts around a virtual clock, start them, and end them."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property

from heyday.bootstrap import App
from heyday.db.connection import Database
from heyday.db.inbox import InboxRepository
from heyday.domain.gate_ports import Gate
from heyday.domain.ports import ClockGuard, Sender, Store
from heyday.domain.timezone import TimezoneService
from heyday.schedulers.daily import DailyScheduler
from heyday.schedulers.minute import MinuteScheduler
from heyday.schedulers.recovery import RecoveryScheduler
from heyday.services.one_by_one import OneByOne
from heyday.services.planning import PlanConfig, Planner
from heyday.services.scheduling import DAILY, MINUTE, RECOVERY
from heyday.settings import Settings
from heyday.simulation.clock import TrustingGuard, VirtualClock
from heyday.simulation.planner import SettledPlanner
from heyday.simulation.sender import OpenGate, WatchedSender
from heyday.simulation.transport import MemoryTransport
from heyday.simulation.wakeups import Agenda, PlanWakeup, SparseWakeup


class SimulatedApp(App):
    """Hold the same parts as the real one, but for clock, transport, provider and wakeups."""

    def __init__(  # noqa: PLR0913 - one parameter for each part that differs
        self,
        settings: Settings,
        url: str,
        database: Database,
        *,
        clock: VirtualClock,
        sender: Sender,
        transport: MemoryTransport,
        timezones: Mapping[str, TimezoneService],
        planning_store: Store,
    ) -> None:
        self.agenda = Agenda(database, clock, settings.look_ahead)
        watched = OneByOne(WatchedSender(sender, self.agenda.mark_stale))
        senders = dict.fromkeys(settings.sender_plan.senders, watched)
        super().__init__(settings, url, database, InboxRepository(database), senders)
        self.clock = self._virtual = clock
        self.timezones = dict(timezones)
        self._memory = transport
        self._planning_store = planning_store

    @cached_property
    def guard(self) -> ClockGuard:
        """Return what takes the virtual clock for right."""
        return TrustingGuard()

    @cached_property
    def planner(self) -> Planner:
        """Return what plans greetings."""
        config = PlanConfig(self.settings.plan_horizon)
        return SettledPlanner(self.timezones, config, self._planning_store)

    @cached_property
    def daily(self) -> DailyScheduler:
        """Return what plans once a day."""
        alarm = PlanWakeup(self._virtual, self.agenda)
        return DailyScheduler(self._scheduling, alarm, self.clock, self.guard, self.metrics)

    @cached_property
    def minute(self) -> MinuteScheduler:
        """Return what hands over what is due."""
        return MinuteScheduler(self._scheduling, self.agenda, self.clock, self.guard, self.metrics)

    @cached_property
    def recovery(self) -> RecoveryScheduler:
        """Return what sweeps up."""
        alarm = SparseWakeup(self._virtual, self.agenda)
        return RecoveryScheduler(self._scheduling, alarm, self.clock, self.guard, self.metrics)

    def _open_gate(self, settings: Settings) -> Gate:  # noqa: ARG002 - as that of App
        return OpenGate()

    @cached_property
    def _transport(self) -> MemoryTransport:
        return self._memory


class World:
    """Run the loops of one app, as the processes of a company would."""

    def __init__(self, app: SimulatedApp, clock: VirtualClock) -> None:
        self.app = app
        self._clock = clock
        self._running: list[asyncio.Task[None]] = []

    @property
    def failed_jobs(self) -> int:
        """Return how many runs of schedulers ended in an error."""
        registry = self.app.metrics.registry
        failed = (
            registry.get_sample_value("heyday_job_runs_total", {"job": name, "result": "failed"})
            for name in (DAILY, MINUTE, RECOVERY)
        )
        return sum(int(count or 0) for count in failed)

    def start(self) -> None:
        """Start the three schedulers and a worker."""
        app = self.app
        for loop in (app.daily.run, app.minute.run, app.recovery.run):
            self._clock.begin()
            self._running.append(asyncio.create_task(loop()))
        # Waiting for a batch is no work; a batch is.
        self._running.append(asyncio.create_task(app.worker.run()))

    async def run_until(self, end_at: datetime) -> None:
        """Let time pass, up to an instant whose own events are still to come."""
        clock, agenda = self._clock, self.app.agenda
        while True:
            await self._quiet()
            await agenda.refresh()
            coming = [at for at in (clock.next_at, agenda.next_at) if at and at < end_at]
            if not coming:
                clock.jump(end_at)
                return
            clock.jump(min(coming))
            agenda.wake()

    async def kill(self) -> None:
        """End them all where they are."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        self._running.clear()
        self._clock.forget_all()

    async def _quiet(self) -> None:
        """Return when all sleep; a loop that ended, which none may, raises what ended it."""
        await self._clock.wait_until_quiet()
        for task in self._running:
            if task.done():
                task.result()
