"""Stand-ins for the clock, its guard, the wakeup and the provider, and a message to send."""

import asyncio
import heapq
from collections import defaultdict, deque
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

from heyday.clock import SteadyClock
from heyday.domain.delivery import Outcome, OutcomeKind
from heyday.domain.errors import ClockUntrusted
from heyday.domain.models import ClaimedMessage
from heyday.domain.ports import BatchSender

_NANOSECONDS = 1_000_000_000

START_AT = datetime(2027, 1, 14, tzinfo=UTC)
"""Where a FakeClock starts unless told otherwise: a Thursday at 00:00 UTC."""

MESSAGE = ClaimedMessage(
    id=UUID(int=1),
    user_id=UUID(int=2),
    scheduled_send_at=START_AT,
    epoch=1,
    retry_count=0,
    ambiguous_count=0,
    message_type="BIRTHDAY",
    idempotency_key=f"{UUID(int=2)}:BIRTHDAY:2027-01-14",
    email="ada.byron@example.com",
    text="Hey, Ada Lovelace it's your birthday",
)
"""A greeting, claimed for its first attempt. `dataclasses.replace` makes others of it."""


class FakeClock:
    """Tell the time that a test sets (ports.Clock).

    `advance` and `set` wake every sleeper whose instant has come, in the order of their instants;
    woken tasks run at the test's next await.
    """

    def __init__(self, at: datetime = START_AT) -> None:
        self._now = at
        self._monotonic = 0.0
        self._order = count()
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._changed = asyncio.Condition()

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    async def sleep_until(self, at: datetime) -> None:
        if at <= self._now:
            await asyncio.sleep(0)  # a loop that is behind must still let others run
            return
        waking: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (at, next(self._order), waking))
        async with self._changed:
            self._changed.notify_all()
        await waking

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self.set(self._now + by)

    def set(self, at: datetime) -> None:
        """Move to an instant. Backwards is a step of the wall clock: `monotonic` stays."""
        self._monotonic += max((at - self._now).total_seconds(), 0.0)
        self._now = at
        while self._sleepers and self._sleepers[0][0] <= at:
            waking = heapq.heappop(self._sleepers)[2]
            if not waking.done():
                waking.set_result(None)

    @property
    def sleeping_until(self) -> list[datetime]:
        """Return the instants that are slept for, in order; of cancelled sleepers none."""
        return [at for at, _, waking in sorted(self._sleepers) if not waking.done()]

    async def wait_for_sleepers(self, n: int = 1) -> None:
        """Return once at least `n` tasks sleep: the way to know that a loop has done its turn."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.sleeping_until) >= n)


class FakeMachine:
    """Have the two clocks of a machine: a wall that can be set, and one that only counts on."""

    def __init__(self, at: datetime = START_AT) -> None:
        self.wall = round(at.timestamp()) * _NANOSECONDS
        self.elapsed = 77 * _NANOSECONDS

    def clock(self, tolerance: timedelta = timedelta(seconds=5)) -> SteadyClock:
        """Return the clock of a process that starts now."""
        return SteadyClock(tolerance, lambda: self.wall, lambda: self.elapsed)

    def advance(self, by: timedelta) -> None:
        """Let time pass, on both."""
        self.wall += nanoseconds(by)
        self.elapsed += nanoseconds(by)

    def jump(self, by: timedelta) -> None:
        """Set the wall clock."""
        self.wall += nanoseconds(by)


def nanoseconds(duration: timedelta) -> int:
    return duration // timedelta(microseconds=1) * 1000


class FakeGuard:
    """Trust the clock, unless the test gives a reason not to (ports.ClockGuard)."""

    def __init__(self) -> None:
        self.reason: str | None = None

    async def check(self) -> None:
        if self.reason:
            raise ClockUntrusted(self.reason)


class FakeWakeup:
    """Let a loop sleep on a FakeClock until `announce` is called (ports.Wakeup)."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._announced = asyncio.Event()

    def announce(self) -> None:
        """Say that there is work. Remembered until the next wait."""
        self._announced.set()

    async def wait_until(self, at: datetime) -> None:
        tasks = {
            asyncio.ensure_future(self._clock.sleep_until(at)),
            asyncio.ensure_future(self._announced.wait()),
        }
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self._announced.clear()


class RecordingSender:
    """Remember what was sent, and answer as scripted: accepted, unless told.

    Stands in for ports.Sender and ports.BatchSender.   gate: while it is not set, every `send`
    waits after being recorded, as in a slow call.   batch_size: as of a BatchSender.
    """

    def __init__(
        self,
        *,
        honours_keys: bool = True,
        gate: asyncio.Event | None = None,
        batch_size: int = 1,
    ) -> None:
        self.sent: list[ClaimedMessage] = []
        self.calls: list[int] = []
        self.expected: list[int] = []
        self.batch_size = batch_size
        self._honours_keys = honours_keys
        self._gate = gate
        self._scripts: defaultdict[str, deque[Outcome]] = defaultdict(deque)
        self._changed = asyncio.Condition()

    @property
    def key_lifetime(self) -> timedelta | None:
        return timedelta(hours=24) if self._honours_keys else None

    @property
    def keys(self) -> list[str]:
        """Return the idempotency keys in the order they were sent, repeats included."""
        return [message.idempotency_key for message in self.sent]

    def script(self, key: str, *outcomes: Outcome) -> None:
        """Answer the next attempts at a key with these, one by one."""
        self._scripts[key].extend(outcomes)

    async def send_many(self, messages: Sequence[ClaimedMessage]) -> Sequence[Outcome]:
        """Send each, and remember in `calls` how many came together."""
        self.calls.append(len(messages))
        return await asyncio.gather(*map(self.send, messages))

    async def send(self, message: ClaimedMessage) -> Outcome:
        self.sent.append(message)
        async with self._changed:
            self._changed.notify_all()
        if self._gate is not None:
            await self._gate.wait()
        scripted = self._scripts[message.idempotency_key]
        if scripted:
            return scripted.popleft()
        return Outcome(OutcomeKind.ACCEPTED, provider_message_id=f"fake-{len(self.sent)}")

    def make_ready(self, calls: int) -> None:
        self.expected.append(calls)

    async def wait_for(self, n: int) -> None:
        """Return once at least `n` attempts were made."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.sent) >= n)


class Relay(RecordingSender):
    """Send through a real sender, and remember what was sent."""

    def __init__(self, sender: BatchSender) -> None:
        super().__init__(batch_size=sender.batch_size)
        self._sender = sender

    @property
    def key_lifetime(self) -> timedelta | None:
        return self._sender.key_lifetime

    async def send_many(self, messages: Sequence[ClaimedMessage]) -> Sequence[Outcome]:
        self.sent.extend(messages)
        return await self._sender.send_many(messages)
