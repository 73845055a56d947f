"""Name what the services need from the outside world. Floors above supply it."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Protocol, TypeVar
from uuid import UUID

from heyday.domain.delivery import Outcome
from heyday.domain.event_ports import EventStore
from heyday.domain.import_ports import ImportJobStore
from heyday.domain.job_ports import JobRunStore
from heyday.domain.models import (
    Batch,
    Claim,
    ClaimedMessage,
    ClaimRules,
    DueMessage,
    Recorded,
    TypeBalance,
    UpcomingGreeting,
)
from heyday.domain.people_ports import UserStore
from heyday.domain.plan_ports import PlanStore
from heyday.domain.queue_ports import OnTheWay
from heyday.domain.resolution_ports import ResolutionStore
from heyday.domain.sender_plan import Assigned
from heyday.domain.timezone import Window

T = TypeVar("T")


class Clock(Protocol):
    """Tell the time: the only source of "now" below the composition root."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds on a clock that never jumps."""
        ...

    async def sleep_until(self, at: datetime) -> None:
        """Return once `now()` has reached `at`, never before, unless the clock is set meanwhile."""
        ...


class ClockGuard(Protocol):
    """Say whether what the clock tells may be acted on."""

    async def check(self) -> None:
        """Return if the clocks agree. Raises ClockUntrusted; DatabaseError if one is away."""
        ...


class Wakeup(Protocol):
    """Let a loop sleep until its next turn, or until there is work sooner."""

    async def wait_until(self, at: datetime) -> None:
        """Return at `at`, or earlier when due work was announced."""
        ...


class MessageLogStore(Protocol):
    """Move greetings along the transition table, in sets."""

    async def enqueue_due(
        self, now: datetime, until: datetime, rules: ClaimRules, limit: int
    ) -> list[DueMessage]:
        """Move up to `limit` rows due before `until` to QUEUED; return them by instant."""
        ...

    async def enqueue_again(
        self,
        now: datetime,
        *,
        queued_before: datetime,
        due_before: datetime,
        rules: ClaimRules,
        limit: int,
    ) -> list[DueMessage]:
        """Return rows that were due and queued before these instants, and that nobody claimed."""
        ...

    async def read_ahead(self, batch: Batch) -> None:
        """Read what a claim of the batch will read, and change nothing: then it is in memory."""
        ...

    async def claim(
        self,
        batch: Batch,
        now: datetime,
        rules: ClaimRules,
        lease: timedelta,
        assigned: Assigned | None = None,
    ) -> Claim:
        """Take the batch's rows that are due and still wanted: QUEUED to SENDING.

        assigned: through whom each of the batch is to leave; a row whose attempt was ambiguous
        keeps its sender. None: nobody calls, and rows stay as they are in this.
        """
        ...

    async def find_held(
        self, messages: Sequence[ClaimedMessage], lease_until: datetime
    ) -> set[UUID]:
        """Return the ids of those that stand as the claim with this lease left them."""
        ...

    async def claim_expired(self, lease: timedelta, limit: int) -> list[ClaimedMessage]:
        """Take over rows whose sender let its lease run out."""
        ...

    async def prolong(self, held: Sequence[ClaimedMessage], lease: timedelta) -> set[UUID]:
        """Let the lease of rows that are still this worker's begin anew; return their ids."""
        ...

    async def record(self, outcomes: Sequence[Recorded]) -> int:
        """Write outcomes of attempts; return how many were this worker's to write.

        What it has written before, and lost the answer to, counts as well.
        """
        ...

    async def skip_late(self, rules: ClaimRules) -> int:
        """Move rows that are too late to be sent to SKIPPED; return how many."""
        ...

    async def balance(
        self, message_type: str, window: Window, overdue_before: datetime
    ) -> TypeBalance:
        """Return what became of the greetings scheduled in the window."""
        ...

    async def count_on_the_way(self, now: datetime) -> OnTheWay:
        """Return how many greetings are QUEUED or SENDING, and for how long they have been due."""
        ...

    async def find_next(self, now: datetime) -> UpcomingGreeting | None:
        """Return the next greeting to leave after `now`."""
        ...


class Session(Protocol):
    """Give the stores over one connection."""

    @property
    def users(self) -> UserStore:
        """Return the people."""
        ...

    @property
    def plans(self) -> PlanStore:
        """Return the planning statements."""
        ...

    @property
    def messages(self) -> MessageLogStore:
        """Return the greetings."""
        ...

    @property
    def resolutions(self) -> ResolutionStore:
        """Return what a person may look at and settle."""
        ...

    @property
    def jobs(self) -> JobRunStore:
        """Return the scheduler runs."""
        ...

    @property
    def imports(self) -> ImportJobStore:
        """Return the import jobs."""
        ...

    @property
    def events(self) -> EventStore:
        """Return what providers told."""
        ...


class Store(Protocol):
    """Reach the database."""

    def session(self) -> AbstractAsyncContextManager[Session]:
        """Lend a connection on which each statement commits by itself."""
        ...

    async def in_transaction(self, work: Callable[[Session], Awaitable[T]]) -> T:
        """Run `work` in one transaction, and again if PostgreSQL asks for another try."""
        ...


class Sender(Protocol):
    """Talk to a provider."""

    @property
    def key_lifetime(self) -> timedelta | None:
        """Return for how long the provider takes a repeated key for the same message.

        None if it never does.
        """
        ...

    async def send(self, message: ClaimedMessage) -> Outcome:
        """Make one attempt. Every fault of the provider or the network is an outcome."""
        ...

    def make_ready(self, calls: int) -> None:
        """Begin what can be done ahead of so many calls, which are due in a moment."""
        ...


class BatchSender(Protocol):
    """Talk to a provider that takes many greetings by one call; or one, where `batch_size` is 1."""

    @property
    def batch_size(self) -> int:
        """Return the most greetings that one call may carry."""
        ...

    @property
    def key_lifetime(self) -> timedelta | None:
        """Return what a Sender does."""
        ...

    async def send_many(self, messages: Sequence[ClaimedMessage]) -> Sequence[Outcome]:
        """Make one attempt at each, by one call; return their outcomes in the same order.

        Every fault of the provider or the network is an outcome: of all, where it is the call's.
        """
        ...

    def make_ready(self, calls: int) -> None:
        """Begin what can be done ahead of so many calls, which are due in a moment."""
        ...


class Delivery(Protocol):
    """Hold a batch that was handed to this worker and not yet acknowledged."""

    @property
    def batch(self) -> Batch:
        """Return what is to be sent."""
        ...

    async def ack(self) -> None:
        """Take the batch off the queue for good."""
        ...

    async def release(self) -> None:
        """Give the batch back, to be delivered again at once."""
        ...


class Transport(Protocol):
    """Carry batches from schedulers to workers: at least once, in no certain order."""

    async def publish(self, batches: Sequence[Batch]) -> None:
        """Hand batches over durably. Raises TransportError if that is not sure."""
        ...

    async def count_waiting(self) -> int:
        """Return how many batches workers could take now and have not. Raises TransportError."""
        ...

    async def is_new(self) -> bool:
        """Tell whether the queue is not the one that was marked last: what that held is lost.

        Raises TransportError.
        """
        ...

    async def mark(self) -> None:
        """Have the queue known from now on: the mark goes when it does. Raises TransportError."""
        ...

    def deliveries(self) -> AsyncGenerator[Delivery, None]:
        """Yield batches shortly before they are due, for ever. Close it to stop.

        Raises TransportError when what carries them is lost: ask again.
        """
        ...


class Broker(Transport, Protocol):
    """Carry batches by a server other than PostgreSQL, which may be away while that is not."""

    @property
    def away_for(self) -> timedelta:
        """Return for how long nothing could be consumed; zero if nobody found that."""
        ...

    async def wait_until_back(self) -> None:
        """Return once workers can consume."""
        ...
