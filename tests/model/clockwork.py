"""Time, and event loops that run in it: one for each process, so that a process can be frozen.

Nothing here waits. A loop runs what is ready; time moves only when it is told to, from timer to
timer, over all loops that are not frozen.
"""

import asyncio
import heapq
import math
from collections import deque
from collections.abc import Callable
from contextvars import Context
from datetime import datetime, timedelta
from typing import Any

_MOST_CANCELS = 10
_RESOLUTION = 1e-6
_MOST_TURNS = 200_000


class ModelClock:
    """Tell the time that the world sets (ports.Clock)."""

    def __init__(self, at: datetime) -> None:
        self._first = at
        self._now = at

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return (self._now - self._first).total_seconds()

    async def sleep_until(self, at: datetime) -> None:
        loop = asyncio.get_running_loop()
        while True:
            waking = loop.create_future()
            wait = max((at - self._now).total_seconds(), 0.0)
            loop.call_later(wait, _wake, waking)
            await waking
            if self._now >= at:
                return

    def set(self, at: datetime) -> None:
        self._now = at

    def instant_of(self, seconds: float) -> datetime:
        """Return the first instant at which `monotonic` says so, or more."""
        return self._first + timedelta(microseconds=math.ceil(seconds * 1_000_000))


def _wake(waking: asyncio.Future[None]) -> None:
    if not waking.done():
        waking.set_result(None)


class _Timer(asyncio.TimerHandle):
    def run(self) -> None:
        self._run()


class _Callback(asyncio.Handle):
    def run(self) -> None:
        self._run()


class ModelLoop(asyncio.AbstractEventLoop):
    """Run the tasks of one process, and stop at once when it is frozen."""

    def __init__(self, clock: ModelClock) -> None:
        self._clock = clock
        self._ready: deque[_Callback | _Timer] = deque()
        self._timers: list[_Timer] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self.is_frozen = False

    def time(self) -> float:
        return self._clock.monotonic()

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Pass over what tasks of a killed process leave behind; others are looked at by result."""

    def call_soon(  # type: ignore[override] # the stubs want a TypeVarTuple that gives nothing here
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        handle = _Callback(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_later(  # type: ignore[override] # as above
        self, delay: float, callback: Callable[..., object], *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override] # as above
        self, when: float, callback: Callable[..., object], *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        timer = _Timer(when, callback, args, self, context)
        heapq.heappush(self._timers, timer)
        return timer

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Leave a cancelled timer on the heap: it is passed over."""

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: Any = None, context: Any = None) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self, name=name, context=context)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    @property
    def next_at(self) -> float | None:
        """When the next timer is due; None if there is none, or the process is frozen."""
        while self._timers and self._timers[0].cancelled():
            heapq.heappop(self._timers)
        return self._timers[0].when() if self._timers and not self.is_frozen else None

    def settle(self) -> None:
        """Run until nothing is ready."""
        # As asyncio does, by its clock's resolution: an instant is rounded to the microsecond, and
        # a timer that would lie a hair behind it would never come.
        now = self.time() + _RESOLUTION
        while self._timers and self._timers[0].when() <= now:
            self._ready.append(heapq.heappop(self._timers))
        asyncio._set_running_loop(self)  # noqa: SLF001 - the hook for those who write loops
        try:
            turns = 0
            while self._ready and not self.is_frozen:
                handle = self._ready.popleft()
                if not handle.cancelled():
                    handle.run()
                turns += 1
                assert turns < _MOST_TURNS, "something runs without end"
        finally:
            asyncio._set_running_loop(None)  # noqa: SLF001 - as above

    def cancel_all(self) -> None:
        """End every task, as far as each lets itself be ended."""
        self.is_frozen = False
        for _ in range(_MOST_CANCELS):
            for task in list(self._tasks):
                task.cancel()
            self.settle()
        assert not self._tasks, "a task does not let itself be cancelled"
        self._timers.clear()


class World:
    """Move time for all loops."""

    def __init__(self, at: datetime) -> None:
        self.clock = ModelClock(at)
        self.loops: list[ModelLoop] = []

    def make_loop(self) -> ModelLoop:
        loop = ModelLoop(self.clock)  # type: ignore[abstract] # has what tasks and timers need
        self.loops.append(loop)
        return loop

    def settle(self) -> None:
        for loop in self.loops:
            if not loop.is_frozen:
                loop.settle()

    def advance(self, by: timedelta) -> None:
        """Let time pass, from timer to timer."""
        end_at = self.clock.now() + by
        while True:
            due = [seconds for loop in self.loops if (seconds := loop.next_at) is not None]
            at = self.clock.instant_of(min(due)) if due else end_at
            if at >= end_at:
                break
            self.clock.set(max(at, self.clock.now()))
            self.settle()
        self.clock.set(end_at)
        self.settle()
