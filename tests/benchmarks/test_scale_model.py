"""The model of a day loses nobody, and agrees with what can be worked out by hand."""

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.scale_model import LATE_WINDOW, Capacity, Costs, Crowd, fewest, live

# Others may use the cores, and a long day takes a while.
brief = settings(deadline=None, max_examples=40)

FREE = Costs(0.0, 0.0, 0.0)
# 50 us before the instant, 100 us after it, and 400 us of a worker.
COSTS = Costs(queue=5e-5, deliver=1e-4, send=4e-4)
INSTANTS = st.lists(
    st.builds(Crowd, st.integers(0, 5_000), st.floats(1, 50_000)), min_size=1, max_size=8
)
CAPACITIES = st.builds(Capacity, st.floats(0.05, 4), st.floats(0.05, 4), st.floats(50, 50_000))


@brief
@given(INSTANTS, CAPACITIES, st.integers(0, 10_000))
def test_what_is_due_was_sent_or_waits(crowds: list[Crowd], capacity: Capacity, until: int) -> None:
    day = live(crowds, COSTS, capacity, until)
    assert day.due == pytest.approx(sum(c.greetings for c in crowds if c.at <= until))
    assert day.sent + day.waiting + day.skipped == pytest.approx(day.due)
    assert day.waiting >= -1e-3
    assert all(0 <= each.first <= each.last for each in day.leavings)


@brief
@given(INSTANTS, CAPACITIES)
def test_at_the_end_all_have_left(crowds: list[Crowd], capacity: Capacity) -> None:
    day = live(crowds, COSTS, capacity)
    assert day.sent + day.skipped == pytest.approx(sum(c.greetings for c in crowds))
    assert day.waiting == pytest.approx(0, abs=1e-3)


@brief
@given(st.floats(10, 1e5), st.floats(100, 1e5))
def test_one_instant_takes_as_long_as_its_number_by_the_rate(number: float, rate: float) -> None:
    day = live([Crowd(32_400, number)], FREE, Capacity(provider=rate))
    for share in (0.01, 0.5, 0.99, 1.0):
        assert day.lateness(share) == pytest.approx(share * number / rate, rel=1e-3, abs=1e-3)


def test_the_slowest_part_sets_the_rate() -> None:
    crowd = [Crowd(0, 10_000)]
    by_workers = Capacity(database=2.0, workers=1.0, provider=9_999)
    by_database = Capacity(database=0.2, workers=9.0)
    assert by_workers.rate(COSTS) == pytest.approx(2_500)
    assert live(crowd, COSTS, by_workers).lateness(1.0) == pytest.approx(4.0)
    # Queued 90 s ahead: after the instant all of PostgreSQL is there to claim and to record.
    assert live(crowd, COSTS, by_database).lateness(1.0) == pytest.approx(5.0)


def test_what_could_not_be_queued_in_time_comes_later() -> None:
    # In 90 s of 0.1 CPU seconds each 180,000 are queued; the rest takes its part of each second.
    capacity = Capacity(database=0.1)
    in_time, too_many = (live([Crowd(0, n)], COSTS, capacity) for n in (180_000, 360_000))
    assert in_time.lateness(1.0) == pytest.approx(180.0)
    assert too_many.lateness(1.0) == pytest.approx(360 + 180_000 * COSTS.queue / 0.1, rel=0.02)


@brief
@given(INSTANTS, CAPACITIES, st.floats(1.0, 3.0))
def test_more_machines_are_never_later(crowds: list[Crowd], few: Capacity, factor: float) -> None:
    many = Capacity(few.database * factor, few.workers * factor, few.provider * factor)
    slow, fast = (live(crowds, COSTS, capacity) for capacity in (few, many))
    # A second is the grain: what is queued in one leaves in the next at the earliest.
    assert all(fast.lateness(p) <= slow.lateness(p) + 1.01 for p in (0.5, 0.99, 1.0))


def test_the_second_instant_waits_for_the_first() -> None:
    # The first leaves from 0 s to 100 s. The second, due at 60 s, from 40 s to 140 s late.
    day = live([Crowd(0, 1_000), Crowd(60, 1_000)], FREE, Capacity(provider=10))
    assert day.lateness(1.0) == pytest.approx(140)
    # Within 70 s 700 of the first and 300 of the second.
    assert day.lateness(0.5) == pytest.approx(70)


def test_two_instants_may_leave_within_one_second() -> None:
    day = live([Crowd(0, 5), Crowd(1, 3)], FREE, Capacity(provider=4))
    assert day.leavings == [(4, 0, 1), (1, 1, 1.25), (3, 0.25, 1)]


def test_what_is_a_day_late_is_skipped_and_counted() -> None:
    day = live([Crowd(0, 2 * LATE_WINDOW)], FREE, Capacity(provider=1))
    assert day.skipped == pytest.approx(LATE_WINDOW, rel=1e-4)
    assert day.lateness(0.99) == math.inf
    assert day.longest <= LATE_WINDOW + 1


@pytest.mark.parametrize("wanted", [1, 2, 3, 64, 1_000])
def test_the_fewest_that_fit(wanted: int) -> None:
    tried: list[int] = []

    def fits(number: int) -> bool:
        tried.append(number)
        return number >= wanted

    assert fewest(fits) == wanted
    assert len(tried) <= 25


def test_seconds_without_anything_are_passed_over() -> None:
    far = 10**9
    day = live([Crowd(0, 5), Crowd(far, 5)], FREE, Capacity(provider=100))
    assert day.sent == pytest.approx(10)
    assert all(a.last <= 1 and b.last <= 1 for a, b in pairwise(day.leavings))
