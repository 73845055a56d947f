"""Read the real clocks, and keep a time that no jump of the wall clock moves."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A wall clock may be set while somebody sleeps: look again at least this often.
_LONGEST_NAP = 1.0
# It counts on while the machine is suspended, as CLOCK_MONOTONIC does on macOS, but not on Linux.
_SINCE_BOOT: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
# NTP lets no clock run faster or slower than by 500 ppm; neither does this one.
_NS_A_SLEWED_NS = 2000


def read_wall_ns() -> int:
    """Return the wall clock, which may jump: nanoseconds since 1970 in UTC."""
    return time.time_ns()


def read_elapsed_ns() -> int:
    """Return nanoseconds on a clock that never jumps, and counts on in a suspended machine."""
    return time.clock_gettime_ns(_SINCE_BOOT)


class SystemClock:
    """Tell what the wall clock says (ports.Clock): for commands that are done in a moment."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - the one reader of the real clock

    def monotonic(self) -> float:
        """Return seconds on a clock that never jumps."""
        return read_elapsed_ns() / 1e9

    async def sleep_until(self, at: datetime) -> None:
        """Return once `now()` has reached `at`, never before."""
        while (left := (at - self.now()).total_seconds()) > 0:  # noqa: ASYNC110 - time is no event
            await asyncio.sleep(min(left, _LONGEST_NAP))


class SteadyClock(SystemClock):
    """Tell the time of a process that stays: the wall at its start, and what has passed since.

    Within the tolerance it follows the wall, so that neither runs away from the other: at once
    where the wall is behind, for a greeting that is late is better than one that is early; and
    where it is ahead at the pace at which NTP corrects clocks. A jump is never followed.
    Source: docs/adr/0018.
    """

    def __init__(
        self,
        tolerance: timedelta,
        read_wall: Callable[[], int] = read_wall_ns,
        read_elapsed: Callable[[], int] = read_elapsed_ns,
    ) -> None:
        """Take the wall clock as it is now for right.

        read_wall, read_elapsed: in nanoseconds; the latter never goes back.
        """
        self._tolerance = tolerance // timedelta(microseconds=1) * 1000
        self._read_wall = read_wall
        self._read_elapsed = read_elapsed
        # The wall first: a pause in between makes this late, and not early.
        self._steady = read_wall()
        self._read_at = read_elapsed()
        self._adopted = 0

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        jump = self._advance()
        is_behind = -self._tolerance <= jump < 0
        return _instant(self._steady + jump if is_behind else self._steady)

    def monotonic(self) -> float:
        """Return seconds on a clock that never jumps."""
        return self._read_elapsed() / 1e9

    @property
    def jump(self) -> timedelta:
        """Return how far the wall clock is ahead of the one that no jump moves."""
        return timedelta(microseconds=self._advance() // 1000)

    def adopt_wall(self) -> None:
        """Take the wall clock for right from now on, and wake all who sleep."""
        self._adopted += 1
        self._steady = self._read_wall()
        self._read_at = self._read_elapsed()

    async def sleep_until(self, at: datetime) -> None:
        """Return once `now()` has reached `at`, or another time was adopted.

        Whoever sleeps reckoned with the old one: a nap of a second might end in an hour.
        """
        adopted = self._adopted
        while adopted == self._adopted:  # time is no event
            if (left := (at - self.now()).total_seconds()) <= 0:
                return
            await asyncio.sleep(min(left, _LONGEST_NAP))

    def _advance(self) -> int:
        """Let the time pass that has passed; return how far the wall is ahead, in nanoseconds."""
        wall, elapsed = self._read_wall(), self._read_elapsed()
        passed = elapsed - self._read_at
        self._read_at = elapsed
        self._steady += passed
        ahead = wall - self._steady
        if abs(ahead) > self._tolerance:
            return ahead
        most = passed // _NS_A_SLEWED_NS
        slewed = max(-most, min(ahead, most))
        self._steady += slewed
        return ahead - slewed


def _instant(nanoseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000)
