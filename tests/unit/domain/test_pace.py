import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from heyday.domain.errors import ConfigurationError
from heyday.domain.pace import Grant, Meter, Pace, PacePolicy

NOW = datetime(2027, 1, 14, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)
FREE = PacePolicy()
"""No limit until the provider answers 429."""
HUNDRED = PacePolicy(limit=100)

rates = st.floats(0.001, 1_000_000)
anything = st.floats(allow_nan=True, allow_infinity=True)
instants = st.datetimes(timezones=st.just(UTC))


def slowed(rate: float, at: datetime = NOW) -> Pace:
    """Return the state of a provider without a set limit, halved to this rate."""
    return Pace(rate, 0.0, at, at)


# --- Tokens ----------------------------------------------------------------------------------


def test_a_slice_at_a_time_and_the_rest_later():
    pace, first = HUNDRED.take(HUNDRED.start(NOW), 1000, NOW)
    assert first == Grant(25, timedelta(), 100)
    pace, second = HUNDRED.take(pace, 1000, NOW)
    assert second == Grant(0, timedelta(milliseconds=200), 100)
    pace, third = HUNDRED.take(pace, 1000, NOW + second.wait)
    assert third.calls == 20


def test_what_is_not_wanted_stays():
    pace, _ = HUNDRED.take(HUNDRED.start(NOW), 5, NOW)
    assert HUNDRED.take(pace, 1000, NOW)[1].calls == 20


def test_part_of_what_is_wanted_is_better_than_none():
    pace, _ = HUNDRED.take(HUNDRED.start(NOW), 25, NOW)
    _, grant = HUNDRED.take(pace, 25, NOW + timedelta(milliseconds=100))
    assert grant == Grant(10, timedelta(milliseconds=200), 100)


@pytest.mark.parametrize("limit", [0.1, 1, 3])
def test_a_slow_provider_gets_one_call_at_a_time(limit: float):
    policy = PacePolicy(limit=limit)
    pace, first = policy.take(policy.start(NOW), 64, NOW)
    assert first.calls == 1
    _, second = policy.take(pace, 64, NOW)
    assert second.calls == 0
    assert second.wait.total_seconds() == pytest.approx(1 / limit, abs=0.00001)


def test_nobody_limits_a_provider_that_was_not_limited():
    assert FREE.take(FREE.start(NOW), 64, NOW)[1] == Grant(64, timedelta(), None)


def test_a_limit_that_was_set_later_holds_at_once():
    assert HUNDRED.take(FREE.start(NOW), 64, NOW)[1].rate == 100


def test_a_limit_that_was_lowered_holds_at_once():
    pace = replace(slowed(5000), tokens=1000.0)
    assert HUNDRED.take(pace, 1000, NOW)[1] == Grant(25, timedelta(), 100)


# --- Slowing down ----------------------------------------------------------------------------


def test_a_429_halves_the_rate_and_spends_what_was_saved():
    pace, grant = HUNDRED.slow_down(HUNDRED.start(NOW), 3, None, NOW)
    assert (pace.rate, pace.tokens, pace.slowed_at) == (50, 0, NOW)
    assert grant == Grant(0, timedelta(milliseconds=200), 50)


def test_without_a_limit_what_was_observed_is_halved():
    assert FREE.slow_down(FREE.start(NOW), 120, None, NOW)[0].rate == 60


def test_at_most_once_in_ten_seconds_however_many_report_it():
    pace = HUNDRED.start(NOW)
    for hundredths in range(0, 1000, 10):
        now = NOW + timedelta(seconds=hundredths / 100)
        pace, _ = HUNDRED.slow_down(pace, 100, None, now)
    # Halved once at its start, and grown back by their end.
    assert pace.rate == pytest.approx(100, rel=0.05)


def test_a_429_now_and_then_does_not_wear_the_rate_down():
    pace = HUNDRED.start(NOW)
    for second in range(600):
        pace, _ = HUNDRED.slow_down(pace, 100, None, NOW + timedelta(seconds=second))
        assert pace.rate is not None
        assert pace.rate >= 45


def test_not_below_one_a_second_nor_above_the_limit():
    assert FREE.slow_down(slowed(1.5, NOW - 10 * SECOND), 9, None, NOW)[0].rate == 1.5
    assert FREE.slow_down(slowed(0.9, NOW - 10 * SECOND), 9, None, NOW)[0].rate == 1
    slow = PacePolicy(limit=0.2)
    assert slow.slow_down(slow.start(NOW), 9, None, NOW)[0].rate == 0.2


@pytest.mark.parametrize(("asked", "seconds"), [(5, 5), (60, 60), (3600, 60), (-5, 0), (10**9, 60)])
def test_retry_after_stops_everybody_within_reason(asked: float, seconds: float):
    pace, _ = HUNDRED.slow_down(HUNDRED.start(NOW), 1, timedelta(seconds=asked), NOW)
    if seconds:
        _, grant = HUNDRED.take(pace, 1, NOW)
        assert (grant.calls, grant.wait, grant.is_blocked) == (0, timedelta(seconds=seconds), True)
    _, grant = HUNDRED.take(pace, 1, NOW + timedelta(seconds=seconds + 0.1))
    assert grant.calls == 1


def test_the_longest_retry_after_counts_even_where_the_rate_was_halved_just_now():
    pace, _ = HUNDRED.slow_down(HUNDRED.start(NOW), 1, 5 * SECOND, NOW)
    pace, grant = HUNDRED.slow_down(pace, 1, 9 * SECOND, NOW)
    assert (pace.rate, grant.wait) == (50, 9 * SECOND)
    pace, grant = HUNDRED.slow_down(pace, 1, SECOND, NOW)
    assert grant == Grant(0, 9 * SECOND, 50, is_blocked=True)


# --- Speeding up -----------------------------------------------------------------------------


def test_it_doubles_in_ten_seconds_up_to_the_limit():
    pace, _ = HUNDRED.take(slowed(30), 1, NOW + 10 * SECOND)
    assert pace.rate == pytest.approx(60)
    pace, _ = HUNDRED.take(pace, 1, NOW + 20 * SECOND)
    assert pace.rate == 100


def test_asking_often_makes_it_grow_no_faster():
    pace = slowed(30)
    for tenth in range(1, 101):
        pace, _ = FREE.take(pace, 1, NOW + timedelta(seconds=tenth / 10))
    assert pace.rate == pytest.approx(60)


def test_it_does_not_grow_while_nobody_may_call():
    pace, _ = FREE.slow_down(slowed(40, NOW - 2 * SECOND), 1, 60 * SECOND, NOW)
    rate = pace.rate
    pace, grant = FREE.take(pace, 1, NOW + 60 * SECOND)
    assert grant.rate == rate


def test_without_a_limit_it_is_dropped_once_it_limits_nobody():
    pace, grant = FREE.take(slowed(9_000), 64, NOW + timedelta(minutes=1))
    assert grant == Grant(64, timedelta(), None)
    assert pace.rate is None


# --- Absurd input ----------------------------------------------------------------------------


def test_a_clock_that_was_set_back_does_not_stop_everybody():
    ahead = Pace(50.0, 0.0, NOW + timedelta(days=1), NOW + timedelta(days=1), NOW + timedelta(9))
    blocked, grant = HUNDRED.take(ahead, 1, NOW)
    assert grant.wait == timedelta(minutes=1)
    pace, _ = HUNDRED.take(blocked, 1, NOW + timedelta(seconds=61))
    assert HUNDRED.take(pace, 1, NOW + timedelta(seconds=62))[1].calls == 1
    assert HUNDRED.slow_down(pace, 1, None, NOW)[0].slowed_at == NOW


any_pace = st.builds(
    Pace, st.none() | anything, anything, instants, st.none() | instants, st.none() | instants
)
reports = st.tuples(anything, st.none() | st.timedeltas())


def test_a_time_that_comes_twice_brings_its_tokens_once():
    """Whoever waited for the row's lock may have looked at the clock before."""
    policy = PacePolicy(limit=4)
    pace, now = policy.start(NOW), NOW
    calls = 0
    for back in (0, 0.2, 0, 0.2, 0, 0.2, 0):
        pace, grant = policy.take(pace, 1, now + timedelta(seconds=0.25 - back))
        calls += grant.calls
    assert calls == 1


@given(any_pace, st.none() | rates, st.integers(), instants, reports)
def test_anything_in_the_row_leaves_a_bucket_that_works(
    pace: Pace,
    limit: float | None,
    wanted: int,
    now: datetime,
    report: tuple[float, timedelta | None],
):
    policy = PacePolicy(limit)
    now = min(max(now, datetime(2000, 1, 1, tzinfo=UTC)), datetime(3000, 1, 1, tzinfo=UTC))
    for after, grant in (
        policy.take(pace, wanted, now),
        policy.slow_down(pace, *report, now),
    ):
        assert after.rate is None or 0 < after.rate <= (limit or 1_000_000)
        assert math.isfinite(after.tokens)
        assert after.tokens <= max((after.rate or 0) / 4, 1)
        assert 0 <= grant.calls <= max(wanted, 1)
        assert timedelta() <= grant.wait <= timedelta(hours=1, microseconds=1)
        assert grant.wait <= timedelta(minutes=1) or (limit or 1) < 1


@pytest.mark.parametrize("limit", [0, -1, math.nan, math.inf, 1_000_001])
def test_a_limit_that_makes_no_sense_is_refused(limit: float):
    with pytest.raises(ConfigurationError, match="expected"):
        PacePolicy(limit)


# --- The promise -----------------------------------------------------------------------------

steps = st.lists(
    st.tuples(st.floats(0, 3), st.integers(1, 1000), st.booleans()), min_size=1, max_size=60
)


@given(rates, steps)
def test_never_more_than_the_limit_over_any_time(
    limit: float, steps: list[tuple[float, int, bool]]
):
    policy = PacePolicy(limit)
    pace, now = policy.start(NOW), NOW
    taken: list[tuple[float, int]] = []
    for seconds, wanted, is_slowed in steps:
        now += timedelta(seconds=seconds)
        if is_slowed:
            pace, _ = policy.slow_down(pace, 1, None, now)
        pace, grant = policy.take(pace, wanted, now)
        taken.append(((now - NOW).total_seconds(), grant.calls))
    burst = max(limit / 4, 1)
    for first, (began, _) in enumerate(taken):
        calls = 0
        for ended, more in taken[first:]:
            calls += more
            assert calls <= limit * (ended - began) + burst + 0.001


@given(rates, st.integers(1, 1000))
@example(4.5, 1)  # a wait that is rounded down is too short
def test_whoever_asks_again_when_told_gets_something(limit: float, wanted: int):
    policy = PacePolicy(limit)
    pace, now, calls = policy.start(NOW), NOW, 0
    for _ in range(10):
        pace, grant = policy.take(pace, wanted, now)
        calls += grant.calls
        now += grant.wait
        if grant.calls == 0 and grant.wait < timedelta(hours=1):
            pace, grant = policy.take(pace, wanted, now)
            assert grant.calls >= 1
    assert calls >= 1


@given(rates, st.integers(1, 200))
def test_a_pace_that_is_used_is_nearly_the_limit(limit: float, seconds: int):
    """Take all there is whenever it is worth asking: little must be lost on the way."""
    policy = PacePolicy(limit)
    pace, now, calls = replace(policy.start(NOW), tokens=0.0), NOW, 0
    until = NOW + timedelta(seconds=seconds)
    for _ in range(2000):
        pace, grant = policy.take(pace, 10**9, now)
        calls += grant.calls
        if now + grant.wait > until:
            break
        now += grant.wait
    passed = (now - NOW).total_seconds()
    assert calls >= limit * passed * 0.95 - max(limit / 4, 1)


# --- The meter -------------------------------------------------------------------------------


def test_the_meter_shows_the_better_of_two_seconds():
    meter = Meter()
    assert meter.rate(0.5) == 0
    for now in (10.0, 10.1, 10.9):
        meter.count(now)
    assert meter.rate(10.9) == 3
    meter.count(11.0)
    assert meter.rate(11.5) == 3
    assert meter.rate(12.5) == 1
    assert meter.rate(14) == 0
    meter.count(20.0)
    assert meter.rate(25.0) == 0
