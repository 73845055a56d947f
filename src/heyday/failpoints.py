"""Kill or stop the process at a named point, to show that nothing is lost there (tests alone).

`HEYDAY_FAILPOINTS=claim.after_commit=kill#3,ack.before=stop` kills it at its third arrival at the
one point, and stops it at its first at the other. The points are in wrappers around the ports,
which the composition root puts in only when some are armed: otherwise they cost nothing.
"""

import contextlib
import functools
import os
import re
import signal
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, TypeVar, cast

import structlog

from heyday.domain.delivery import Outcome, OutcomeKind
from heyday.domain.errors import ConfigurationError
from heyday.domain.event_ports import EventStore
from heyday.domain.import_ports import ImportJobStore
from heyday.domain.job_ports import JobRunStore
from heyday.domain.models import Batch, ClaimedMessage
from heyday.domain.people_ports import UserStore
from heyday.domain.plan_ports import PlanStore
from heyday.domain.ports import (
    BatchSender,
    Delivery,
    MessageLogStore,
    Session,
    Store,
    Transport,
)
from heyday.domain.resolution_ports import ResolutionStore

T = TypeVar("T")
log = structlog.get_logger()

_SHOWN = 100
_FAILPOINT = re.compile(r"(?P<point>[a-z._]+)=(?P<action>[a-z]+)(#(?P<arrival>[1-9]\d{0,8}))?")


class Point(StrEnum):
    """Name a place on the way of a greeting where a process may die."""

    CLAIM_BEFORE_COMMIT = "claim.before_commit"
    CLAIM_AFTER_COMMIT = "claim.after_commit"
    CALL_BEFORE = "call.before"
    CALL_AFTER_ACCEPTED = "call.after_accepted"
    """The provider has said yes, and nothing of it is recorded yet."""
    RECORD_BEFORE_COMMIT = "record.before_commit"
    RECORD_AFTER_COMMIT = "record.after_commit"
    ACK_BEFORE = "ack.before"
    PLAN_BEFORE_COMMIT = "plan.before_commit"
    """Rows were planned, whether by a job, an edit or a claim."""
    PLAN_AFTER_COMMIT = "plan.after_commit"
    ENQUEUE_BEFORE_COMMIT = "enqueue.before_commit"
    ENQUEUE_AFTER_COMMIT = "enqueue.after_commit"
    """Rows are QUEUED, and no batch holds them yet."""
    PUBLISH_BEFORE = "publish.before"
    PUBLISH_AFTER = "publish.after"
    """Batches are handed over, and nobody here was told so yet."""


class Action(StrEnum):
    """Say what happens to the process there."""

    KILL = "kill"
    """SIGKILL: as a power cut."""
    STOP = "stop"
    """SIGSTOP: it stands still until SIGCONT."""


# By method of PlanStore and MessageLogStore: the points of the transaction that calls it.
_TRANSACTIONS = {
    "claim": (Point.CLAIM_BEFORE_COMMIT, Point.CLAIM_AFTER_COMMIT),
    "record": (Point.RECORD_BEFORE_COMMIT, Point.RECORD_AFTER_COMMIT),
    "plan": (Point.PLAN_BEFORE_COMMIT, Point.PLAN_AFTER_COMMIT),
    "enqueue_due": (Point.ENQUEUE_BEFORE_COMMIT, Point.ENQUEUE_AFTER_COMMIT),
    "enqueue_again": (Point.ENQUEUE_BEFORE_COMMIT, Point.ENQUEUE_AFTER_COMMIT),
}
# These often find nothing to do, which is no arrival.
_IDLE = frozenset({"plan", "enqueue_due", "enqueue_again"})
_SIGNALS = {Action.KILL: signal.SIGKILL, Action.STOP: signal.SIGSTOP}


@dataclass(frozen=True, slots=True)
class Failpoint:
    """Say at which arrival at a point the process does what. arrival: counted from 1."""

    point: Point
    action: Action
    arrival: int = 1


def parse_failpoints(text: str) -> tuple[Failpoint, ...]:
    """Read such as `claim.after_commit=kill#3,ack.before=stop`. Raises ConfigurationError."""
    return tuple(_parse_one(part.strip()) for part in text.split(",") if part.strip())


def _parse_one(text: str) -> Failpoint:
    if match := _FAILPOINT.fullmatch(text):
        with contextlib.suppress(ValueError):
            point, action = Point(match["point"]), Action(match["action"])
            return Failpoint(point, action, int(match["arrival"] or 1))
    raise ConfigurationError(
        f"HEYDAY_FAILPOINTS has {text[:_SHOWN]!r}; expected point=action or point=action#arrival, "
        f"with a point of {', '.join(Point)} and an action of {', '.join(Action)}"
    )


def signal_self(action: Action) -> None:
    """Kill or stop this process."""
    os.kill(os.getpid(), _SIGNALS[action])


class Failpoints:
    """Count arrivals at the points, and act at those that are armed."""

    def __init__(
        self, armed: Iterable[Failpoint], act: Callable[[Action], None] = signal_self
    ) -> None:
        self._armed = {(each.point, each.arrival): each.action for each in armed}
        self._act = act
        self.arrivals: Counter[Point] = Counter()

    def reach(self, point: Point) -> None:
        """Note an arrival, and act if it is the one that is armed."""
        self.arrivals[point] += 1
        action = self._armed.get((point, self.arrivals[point]))
        if action:
            log.warning("failpoint_reached", point=point.value, action=action.value)
            self._act(action)

    def guard_store(self, store: Store) -> Store:
        """Return the store with the points in its transactions."""
        return _FailingStore(store, self)

    def guard_senders(self, senders: Mapping[str, BatchSender]) -> Mapping[str, BatchSender]:
        """Watch each of some senders."""
        return {name: self.guard_sender(sender) for name, sender in senders.items()}

    def guard_sender(self, sender: BatchSender) -> BatchSender:
        """Return the sender with the points around its calls."""
        return _FailingSender(sender, self)

    def guard_transport(self, transport: Transport) -> Transport:
        """Return the transport with the points around what it carries."""
        return _FailingTransport(transport, self)


class _Watched:
    """Pass every call on to a store, and note the methods that did something."""

    def __init__(self, store: object, did: Callable[[str], None]) -> None:
        self._store = store
        self._did = did

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        if name not in _TRANSACTIONS:
            return method

        @functools.wraps(method)
        async def noting(*args: Any, **kwargs: Any) -> Any:
            result = await method(*args, **kwargs)
            if result or name not in _IDLE:
                self._did(name)
            return result

        return noting


@dataclass(frozen=True, slots=True)
class _WatchedSession:
    """Give the stores of a session, those with points watched."""

    users: UserStore
    plans: PlanStore
    messages: MessageLogStore
    resolutions: ResolutionStore
    jobs: JobRunStore
    imports: ImportJobStore
    events: EventStore


def _watch(session: Session, did: Callable[[str], None]) -> Session:
    return _WatchedSession(
        session.users,
        cast("PlanStore", _Watched(session.plans, did)),
        cast("MessageLogStore", _Watched(session.messages, did)),
        session.resolutions,
        session.jobs,
        session.imports,
        session.events,
    )


class _FailingStore:
    def __init__(self, store: Store, points: Failpoints) -> None:
        self._store = store
        self._points = points

    def session(self) -> AbstractAsyncContextManager[Session]:
        return self._store.session()

    async def in_transaction(self, work: Callable[[Session], Awaitable[T]]) -> T:
        done: dict[tuple[Point, Point], None] = {}

        async def watched(session: Session) -> T:
            done.clear()  # this may be another try
            result = await work(
                _watch(session, lambda name: done.update({_TRANSACTIONS[name]: None}))
            )
            for before, _ in done:
                self._points.reach(before)
            return result

        result = await self._store.in_transaction(watched)
        for _, after in done:
            self._points.reach(after)
        return result


class _FailingSender:
    def __init__(self, sender: BatchSender, points: Failpoints) -> None:
        self._sender = sender
        self._points = points

    @property
    def batch_size(self) -> int:
        return self._sender.batch_size

    @property
    def key_lifetime(self) -> timedelta | None:
        return self._sender.key_lifetime

    async def send_many(self, messages: Sequence[ClaimedMessage]) -> Sequence[Outcome]:
        self._points.reach(Point.CALL_BEFORE)
        outcomes = await self._sender.send_many(messages)
        if any(outcome.kind is OutcomeKind.ACCEPTED for outcome in outcomes):
            self._points.reach(Point.CALL_AFTER_ACCEPTED)
        return outcomes

    def make_ready(self, calls: int) -> None:
        self._sender.make_ready(calls)


class _FailingTransport:
    def __init__(self, transport: Transport, points: Failpoints) -> None:
        self._transport = transport
        self._points = points

    async def publish(self, batches: Sequence[Batch]) -> None:
        self._points.reach(Point.PUBLISH_BEFORE)
        await self._transport.publish(batches)
        self._points.reach(Point.PUBLISH_AFTER)

    async def count_waiting(self) -> int:
        return await self._transport.count_waiting()

    async def is_new(self) -> bool:
        return await self._transport.is_new()

    async def mark(self) -> None:
        await self._transport.mark()

    async def deliveries(self) -> AsyncGenerator[Delivery, None]:
        async with contextlib.aclosing(self._transport.deliveries()) as deliveries:
            async for delivery in deliveries:
                yield _FailingDelivery(delivery, self._points)


@dataclass(frozen=True, slots=True)
class _FailingDelivery:
    delivery: Delivery
    points: Failpoints

    @property
    def batch(self) -> Batch:
        return self.delivery.batch

    async def ack(self) -> None:
        self.points.reach(Point.ACK_BEFORE)
        await self.delivery.ack()

    async def release(self) -> None:
        await self.delivery.release()
