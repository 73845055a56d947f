"""The steady clock: what it follows, what it does not, and how far it can ever be ahead."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from heyday.clock import SteadyClock, SystemClock, read_wall_ns
from tests.fakes import START_AT, FakeMachine, nanoseconds

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
TOLERANCE = 5 * SECOND
ACCURACY = timedelta(microseconds=1)
# NTP's own limit, as a share.
SLEW = 500e-6


def test_it_tells_the_wall_at_its_start_and_what_has_passed_since() -> None:
    machine = FakeMachine()
    clock = machine.clock()
    assert (clock.now(), clock.monotonic(), clock.jump) == (START_AT, 77.0, timedelta())
    machine.advance(HOUR)
    assert (clock.now(), clock.monotonic()) == (START_AT + HOUR, 77.0 + 3600)


@pytest.mark.parametrize("jump", [HOUR, -HOUR, 24 * HOUR, TOLERANCE + ACCURACY, -TOLERANCE * 1.1])
def test_it_follows_no_jump_and_tells_how_far_that_was(jump: timedelta) -> None:
    machine = FakeMachine()
    clock = machine.clock()
    machine.jump(jump)
    for minutes in range(100):
        assert clock.now() == START_AT + timedelta(minutes=minutes)
        assert clock.jump == jump
        machine.advance(timedelta(minutes=1))
    machine.jump(-jump)
    assert (clock.now(), clock.jump) == (START_AT + timedelta(minutes=100), timedelta())


def test_a_wall_that_is_a_little_behind_is_followed_at_once_and_back() -> None:
    """Late is better than early, and what was wrong for a moment leaves no trace."""
    machine = FakeMachine()
    clock = machine.clock()
    machine.jump(-4 * SECOND)
    assert clock.now() == START_AT - 4 * SECOND
    machine.jump(4 * SECOND)
    assert clock.now() == START_AT


def test_a_wall_that_is_a_little_ahead_is_followed_at_the_pace_of_ntp() -> None:
    machine = FakeMachine()
    clock = machine.clock()
    machine.jump(SECOND)
    assert clock.now() == START_AT
    machine.advance(1000 * SECOND)
    assert clock.now() == START_AT + 1000 * SECOND + SECOND / 2
    assert clock.jump == SECOND / 2
    machine.advance(1000 * SECOND)
    assert clock.now() == START_AT + 2001 * SECOND
    machine.advance(1000 * SECOND)
    assert (clock.now(), clock.jump) == (START_AT + 3001 * SECOND, timedelta())


def test_small_corrections_add_up_to_no_alarm() -> None:
    """A machine that is set by a tenth of a second each hour, for a month."""
    machine = FakeMachine()
    clock = machine.clock()
    for _ in range(30 * 24):
        machine.jump(SECOND / 10)
        machine.advance(HOUR)
        assert clock.jump <= SECOND / 10
    assert clock.now() == START_AT + 30 * 24 * (HOUR + SECOND / 10)


def test_a_suspended_machine_is_no_jump() -> None:
    """What only counts on has counted on as well."""
    machine = FakeMachine()
    clock = machine.clock()
    machine.advance(8 * HOUR)
    assert (clock.now(), clock.jump) == (START_AT + 8 * HOUR, timedelta())


def test_the_wall_is_taken_for_right_when_told_so() -> None:
    machine = FakeMachine()
    clock = machine.clock()
    machine.jump(HOUR)
    machine.advance(SECOND)
    clock.adopt_wall()
    assert (clock.now(), clock.jump) == (START_AT + HOUR + SECOND, timedelta())
    machine.advance(SECOND)
    assert clock.now() == START_AT + HOUR + 2 * SECOND


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["set", "walk"]),
            st.timedeltas(-48 * HOUR, 48 * HOUR),
            st.timedeltas(timedelta(), 2 * HOUR),
        ),
        max_size=60,
    )
)
def test_it_is_never_ahead_of_what_has_passed(
    steps: list[tuple[str, timedelta, timedelta]],
) -> None:
    """Whatever the wall does: no further than NTP could have moved it, and not in one step.

    walk: to just within the tolerance, as a wall that lures the clock on would.
    """
    machine = FakeMachine()
    clock = machine.clock()
    passed = timedelta()
    for kind, jump, pause in steps:
        before = clock.now() - START_AT - passed
        machine.jump(TOLERANCE - clock.jump if kind == "walk" else jump)
        assert clock.now() - START_AT - passed <= max(before, timedelta()) + TOLERANCE
        machine.advance(pause)
        passed += pause
        ahead = clock.now() - START_AT - passed
        assert ahead <= passed * SLEW + ACCURACY
        assert ahead >= -TOLERANCE - passed * SLEW - ACCURACY


async def test_sleepers_wake_by_it_and_not_by_the_wall() -> None:
    ahead = 0
    clock = SteadyClock(TOLERANCE, lambda: read_wall_ns() + ahead)
    began = time.perf_counter()
    sleeping = asyncio.create_task(clock.sleep_until(clock.now() + SECOND / 5))
    await asyncio.sleep(0)
    ahead = nanoseconds(24 * HOUR)
    async with asyncio.timeout(5):
        await sleeping
    assert time.perf_counter() - began >= 0.19


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
async def test_who_sleeps_wakes_when_another_time_is_adopted(jump: timedelta) -> None:
    """A pause of two seconds that was reckoned on a wrong clock must not last an hour."""
    ahead = timedelta()
    clock = SteadyClock(TOLERANCE, lambda: read_wall_ns() + nanoseconds(ahead))
    sleeping = asyncio.create_task(clock.sleep_until(clock.now() + HOUR / 2))
    await asyncio.sleep(0)
    ahead = jump
    clock.adopt_wall()
    async with asyncio.timeout(5):
        await sleeping


def test_the_real_readings_are_those_of_the_machine() -> None:
    here = datetime.now(UTC)  # noqa: TID251 - what the machine says is what is compared with
    assert abs(SteadyClock(TOLERANCE).now() - here) < SECOND
    assert abs(SystemClock().now() - here) < SECOND
    first = SystemClock().monotonic()
    assert 0 <= SteadyClock(TOLERANCE).monotonic() - first < 1


def test_a_faked_wall_is_seen_as_a_jump() -> None:
    clock = SteadyClock(TOLERANCE)
    before = clock.now()
    with time_machine.travel(datetime(2030, 1, 1, tzinfo=UTC)):
        assert clock.jump > 24 * HOUR
        assert clock.now() - before < 5 * SECOND
