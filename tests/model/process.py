"""A process of Heyday: the real services over ports that can kill it, freeze it, or fail."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any, NoReturn, TypeVar, cast

from heyday.domain.breaker import Breaker, BreakerConfig
from heyday.domain.delivery import DeliveryPolicy, Outcome, OutcomeKind
from heyday.domain.errors import DatabaseUnavailable
from heyday.domain.event_ports import EventStore
from heyday.domain.import_ports import ImportJobStore
from heyday.domain.job_ports import JobRunStore
from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.models import Batch, ClaimedMessage
from heyday.domain.people_ports import UserStore
from heyday.domain.plan_ports import PlanStore
from heyday.domain.policies import TimePolicies
from heyday.domain.ports import MessageLogStore, Session
from heyday.domain.resolution_ports import ResolutionStore
from heyday.domain.retry import RetryPolicy
from heyday.domain.sender_plan import Share
from heyday.domain.timezone import TimezoneService
from heyday.domain.tzdb import TzDatabase
from heyday.services.gate import ProviderGate
from heyday.services.jobs import JobJournal
from heyday.services.leases import LeaseConfig
from heyday.services.planning import PlanConfig, Planner
from heyday.services.reconciling import ReconciliationService
from heyday.services.resolving import ResolutionService
from heyday.services.routes import Route, Routes
from heyday.services.scheduling import MessageSchedulerService, SchedulerConfig
from heyday.services.sending import MessageSenderService, SendingConfig
from heyday.services.users import UserService
from heyday.telemetry import Metrics
from heyday.workers.message import MessageWorker, WorkerConfig
from tests.fakes import FakeGuard
from tests.model.broker import ModelBroker
from tests.model.clockwork import World
from tests.model.jobs import ModelJobs
from tests.model.messages import ModelMessages
from tests.model.pace import ModelPace, ModelPaces
from tests.model.people import ModelPeople
from tests.model.plans import ModelPlans
from tests.model.provider import HANGING, Act, ModelProvider
from tests.model.resolutions import ModelResolutions
from tests.model.tables import ModelDatabase

T = TypeVar("T")

ZONES = ("Pacific/Auckland", "America/St_Johns")
# Two days instead of half a year: whoever gets another date may be greeted again within a run.
POLICIES = TimePolicies(same_occasion=timedelta(days=2))
CALL_TIMEOUT = timedelta(seconds=10)
SENDING_CONFIG = SendingConfig(
    concurrency=1,
    lease=LeaseConfig(timedelta(seconds=30), CALL_TIMEOUT),
    flush_size=2,
    flush_every=timedelta(seconds=2),
)
BREAKER = BreakerConfig(failures=4)
SCHEDULING_CONFIG = SchedulerConfig(batch_size=3)
MIDDLE = 0.5


def _few_zones() -> TzDatabase:
    """Return the pinned release as if it knew these zones alone: planning asks for every zone."""
    tzdb = TzDatabase(files("tzdata"), successors={})
    tzdb.names = frozenset(ZONES)
    return tzdb


class QuickTimezones(TimezoneService):
    """Answer again what was asked before: the same few days come a hundred thousand times."""

    @cache  # noqa: B019 - there is one of these, for ever
    def _find(self, name: str, on: date) -> tuple[date, datetime] | None:
        return super()._find(name, on)


TIMEZONES = dict.fromkeys((t.name for t in MESSAGE_TYPES), QuickTimezones(POLICIES, _few_zones()))
METRICS = Metrics()


class Point(StrEnum):
    """A place at which a process may die or freeze."""

    PLANNED = "after a plan was committed"
    ENQUEUED = "after enqueue's commit, before publish"
    PUBLISHED = "after publish"
    CLAIMED = "after the claim"
    CALLING = "in the call, before it reached the provider"
    ANSWERED = "after the provider's answer, before record"
    RECORDED = "after record, before the batch is acknowledged"
    SWEPT = "after expired leases were taken over, before record"


class Fate(StrEnum):
    """What happens there."""

    DIE = "dies"
    FREEZE = "freezes"


class Fault(StrEnum):
    """What happens to one transaction."""

    UNDONE = "undone"
    ANSWER_LOST = "committed, but the answer was lost"


_POINTS = {
    "plan": Point.PLANNED,
    "enqueue_due": Point.ENQUEUED,
    "enqueue_again": Point.ENQUEUED,
    "claim": Point.CLAIMED,
    "record": Point.RECORDED,
    "claim_expired": Point.SWEPT,
}


class Killed(BaseException):
    """End every task of a process that is gone."""


@dataclass(frozen=True, slots=True)
class ModelSession:
    """Give the stores (ports.Session)."""

    users: UserStore
    plans: PlanStore
    messages: MessageLogStore
    resolutions: ResolutionStore
    jobs: JobRunStore
    imports: ImportJobStore
    events: EventStore


def make_session(database: ModelDatabase) -> Session:
    return ModelSession(
        ModelPeople(database),
        ModelPlans(database),
        ModelMessages(database),
        ModelResolutions(database),
        ModelJobs(database),
        cast("ImportJobStore", None),  # the machine imports nobody
        cast("EventStore", None),  # and its provider tells nothing
    )


class Surroundings:
    """What all processes share: the time, the database, the queue, the provider."""

    def __init__(
        self,
        world: World,
        database: ModelDatabase,
        provider: ModelProvider,
        holding: frozenset[str],
    ) -> None:
        self.world = world
        self.database = database
        self.provider = provider
        self.holding = holding
        self.paces = ModelPaces(world.clock)
        self.broker = ModelBroker()
        self.session = database.session or make_session(database)


class Process:
    """Run the services of one process, until it is killed.

    hazard: where it will die or freeze, once.   fault: what its next transaction meets.
    """

    def __init__(self, around: Surroundings) -> None:
        self.around = around
        self.loop = around.world.make_loop()
        self.hazard: tuple[Point, Fate] | None = None
        self.fault: Fault | None = None
        self.is_dead = False
        self.inbox: list[ModelDelivery] = []
        self._taken: list[int] = []
        self.arrived = asyncio.Event()
        clock = around.world.clock
        store = ProcessStore(self)
        transport = ProcessTransport(self)
        sender = ProcessSender(self)
        self.planner = Planner(TIMEZONES, PlanConfig())
        self.users = UserService(store, self.planner, clock)
        gate = ProviderGate(
            provider="model",
            breaker=Breaker(BREAKER),
            pace=ModelPace(around.paces),
            clock=clock,
            metrics=METRICS,
        )
        policy = DeliveryPolicy(RetryPolicy(), sender.key_lifetime, around.holding)
        self.sending = MessageSenderService(
            store=store,
            routes=Routes([Route(Share("model"), sender, gate, policy)]),
            planner=self.planner,
            clock=clock,
            metrics=METRICS,
            jitter=lambda: MIDDLE,
            config=SENDING_CONFIG,
        )
        self.scheduling = MessageSchedulerService(
            store=store,
            transport=transport,
            planner=self.planner,
            sending=self.sending,
            journal=JobJournal(store, clock),
            clock=clock,
            config=SCHEDULING_CONFIG,
        )
        self.reconciliation = ReconciliationService(store, self.planner, clock)
        self.resolutions = ResolutionService(store, self.planner, clock, METRICS)
        self.worker = MessageWorker(transport, self.sending, clock, FakeGuard(), WorkerConfig())

    @property
    def is_usable(self) -> bool:
        return not (self.is_dead or self.loop.is_frozen)

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begin something, and go on until it ends or has to wait."""
        task = self.loop.create_task(work)
        self.loop.settle()
        return task

    def deliver(self, place: int) -> None:
        """Have the worker take one of the waiting batches."""
        number, batch = self.around.broker.take(place)
        self._taken.append(number)
        self.inbox.append(ModelDelivery(self, number, batch))
        self.arrived.set()
        self.loop.settle()

    def wake(self) -> None:
        """Go on where it was frozen; all that fell due meanwhile runs now."""
        self.loop.is_frozen = False
        self.loop.settle()

    def bury(self) -> None:
        """End what is left of it; the queue takes back what it held."""
        self.is_dead = True
        self.loop.cancel_all()
        self.around.world.loops.remove(self.loop)
        self.around.broker.give_back(*self._taken)

    def check(self) -> None:
        """End whoever asks if the process is gone."""
        if self.is_dead:
            raise Killed

    async def reach(self, point: Point) -> bool:
        """Come to a point at which the process may die or freeze; tell whether it froze."""
        self.check()
        if self.hazard is None or self.hazard[0] is not point:
            return False
        fate, self.hazard = self.hazard[1], None
        if fate is Fate.DIE:
            self._die()
        self.loop.is_frozen = True
        await asyncio.sleep(0)
        self.check()
        return True

    def _die(self) -> NoReturn:
        self.is_dead = True
        raise Killed


class ProcessStore:
    """Reach the model database (ports.Store)."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._database = process.around.database

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        self._process.check()
        yield self._process.around.session

    async def in_transaction(self, work: Callable[[Session], Awaitable[T]]) -> T:
        self._process.check()
        fault, self._process.fault = self._process.fault, None
        self._database.begin()
        try:
            result = await work(self._process.around.session)
            _fail_if(fault, Fault.UNDONE)
        except BaseException:
            self._database.roll_back()
            raise
        self._database.commit()
        _fail_if(fault, Fault.ANSWER_LOST)
        for statement in self._database.statements:
            if point := _POINTS.get(statement):
                await self._process.reach(point)
                break
        return result


def _fail_if(fault: Fault | None, kind: Fault) -> None:
    if fault is kind:
        raise DatabaseUnavailable(kind)


class ProcessSender:
    """Call the provider, and read its answer as the real senders do (ports.BatchSender)."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._provider = process.around.provider
        self._clock = process.around.world.clock

    @property
    def batch_size(self) -> int:
        return self._provider.batch_size

    @property
    def key_lifetime(self) -> timedelta | None:
        return self._provider.key_lifetime

    async def send_many(self, messages: Sequence[ClaimedMessage]) -> Sequence[Outcome]:
        is_delayed = await self._process.reach(Point.CALLING)
        stored = self._process.around.database.tables.messages
        rows = [stored[message.id] for message in messages]
        acts = self._provider.take(messages, rows, is_delayed=is_delayed)
        if acts[0] is Act.NOT_CONNECTED:
            return [Outcome(OutcomeKind.NOT_ACCEPTED, error="not connected")] * len(messages)
        if acts[0] in HANGING:
            await self._clock.sleep_until(self._clock.now() + CALL_TIMEOUT)
            await self._process.reach(Point.ANSWERED)
            return [Outcome(OutcomeKind.AMBIGUOUS, error="no answer in time")] * len(messages)
        await self._process.reach(Point.ANSWERED)
        return self._provider.judge(acts, messages)

    def make_ready(self, calls: int) -> None:
        pass


@dataclass(frozen=True, slots=True)
class ModelDelivery:
    """Hold a batch (ports.Delivery)."""

    process: Process
    number: int
    batch: Batch

    async def ack(self) -> None:
        self.process.check()
        self.process.around.broker.ack(self.number)

    async def release(self) -> None:
        self.process.check()
        self.process.around.broker.give_back(self.number)


class ProcessTransport:
    """Carry batches to and from the model queue (ports.Transport)."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def publish(self, batches: Sequence[Batch]) -> None:
        self._process.check()
        self._process.around.broker.publish(batches)
        await self._process.reach(Point.PUBLISHED)

    async def count_waiting(self) -> int:
        self._process.check()
        return self._process.around.broker.count_due(self._process.around.world.clock.now())

    async def is_new(self) -> bool:
        self._process.check()
        return False

    async def mark(self) -> None:
        self._process.check()

    async def deliveries(self) -> AsyncGenerator[ModelDelivery, None]:
        process = self._process
        while True:
            process.arrived.clear()
            while process.inbox:
                yield process.inbox.pop(0)
            await process.arrived.wait()
