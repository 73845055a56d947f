"""How many requests a limit lets through, and when the next one."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyday.domain.errors import ConfigurationError
from heyday.domain.rate_limit import RateLimit

NOW = 1_800_000_000_000_000
MINUTE = 60_000_000


def admitted(limit: RateLimit, pauses: list[int]) -> list[int]:
    """Return when requests were let through that come after these pauses."""
    now, clear_at, times = NOW, 0, []
    for pause in pauses:
        now += pause
        clear_at, wait = limit.take(clear_at, now)
        if not wait:
            times.append(now)
    return times


@pytest.mark.parametrize("requests", [1, 2, 7, 60, 999])
def test_so_many_are_let_through_at_once_and_no_more(requests: int) -> None:
    assert len(admitted(RateLimit(requests), [0] * (requests + 50))) == requests


@given(requests=st.integers(1, 50), pauses=st.lists(st.integers(0, 20_000_000), max_size=200))
def test_in_no_stretch_of_time_are_there_more(requests: int, pauses: list[int]) -> None:
    limit = RateLimit(requests)
    times = admitted(limit, pauses)
    for first, begin in enumerate(times):
        for count, end in enumerate(times[first:], start=1):
            assert count <= requests + (end - begin) / limit.cost


@given(requests=st.integers(1, 1_000_000), ahead=st.floats(0, 1))
def test_who_waits_as_told_is_let_through_and_nobody_sooner(requests: int, ahead: float) -> None:
    limit = RateLimit(requests)
    clear_at = NOW + int(limit.furthest * ahead)
    again, wait = limit.take(clear_at, NOW)
    if wait:
        assert again == clear_at
        assert limit.take(clear_at, NOW + wait - 1)[1] == 1
        assert limit.take(clear_at, NOW + wait)[1] == 0
        assert wait <= limit.cost
    else:
        assert again == clear_at + limit.cost


@pytest.mark.parametrize("clear_at", [-1, 0, NOW - 1, NOW + MINUTE + 1, 10**30])
def test_what_no_request_can_have_written_counts_for_nothing(clear_at: int) -> None:
    limit = RateLimit(60)
    assert limit.take(clear_at, NOW) == (NOW + limit.cost, 0)


@pytest.mark.parametrize(("requests", "period"), [(0, timedelta(minutes=1)), (1, timedelta())])
def test_a_limit_that_means_nothing_is_refused(requests: int, period: timedelta) -> None:
    with pytest.raises(ConfigurationError):
        RateLimit(requests, period)
