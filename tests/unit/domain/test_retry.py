from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyday.domain.errors import ConfigurationError
from heyday.domain.retry import RetryPolicy

DAY = timedelta(days=1)
MIDDLE = 0.5
"""The jitter that changes nothing."""

policies = st.builds(
    RetryPolicy,
    max_retries=st.integers(0, 10**9),
    first_delay=st.timedeltas(timedelta(), DAY),
    longest_delay=st.timedeltas(timedelta(), DAY),
    spread=st.floats(0, 1),
)
jitters = st.floats(0, 1, exclude_max=True)


def test_the_delays_of_the_design():
    delays = [RetryPolicy().delay(retry, MIDDLE).total_seconds() for retry in range(1, 8)]
    assert delays == [2, 4, 8, 16, 32, 32, 32]


def test_jitter_spreads_both_ways():
    assert RetryPolicy().delay(1, 0.0) == timedelta(seconds=1.6)
    assert RetryPolicy().delay(1, 0.999999) == timedelta(seconds=2.399999)
    assert RetryPolicy(spread=0).delay(1, 0.0) == timedelta(seconds=2)


@pytest.mark.parametrize(
    ("retry_after", "delay"),
    [
        (timedelta(seconds=-5), timedelta(seconds=2)),
        (timedelta(), timedelta(seconds=2)),
        (timedelta(seconds=1), timedelta(seconds=2)),
        (timedelta(seconds=90), timedelta(seconds=90)),
        (timedelta(days=400), timedelta(hours=1)),
        (timedelta.max, timedelta(hours=1)),
        (timedelta.min, timedelta(seconds=2)),
    ],
)
def test_retry_after_is_obeyed_when_longer_up_to_an_hour(retry_after: timedelta, delay: timedelta):
    assert RetryPolicy().delay(1, MIDDLE, retry_after) == delay


@pytest.mark.parametrize(("retry", "seconds"), [(0, 2), (-5, 2), (-(10**100), 2), (10**100, 32)])
def test_an_absurd_retry_is_clamped(retry: int, seconds: int):
    assert RetryPolicy().delay(retry, MIDDLE) == timedelta(seconds=seconds)


@given(policies, st.integers(), jitters, st.none() | st.timedeltas())
def test_every_delay_lies_within_its_bounds(
    policy: RetryPolicy, retry: int, jitter: float, retry_after: timedelta | None
):
    delay = policy.delay(retry, jitter, retry_after)
    longest = max(policy.longest_delay * (1 + policy.spread), timedelta(hours=1))
    assert timedelta() <= delay <= longest + timedelta(microseconds=1)


@given(policies, st.integers(1, 100))
def test_a_later_retry_never_waits_less(policy: RetryPolicy, retry: int):
    assert policy.delay(retry, MIDDLE) <= policy.delay(retry + 1, MIDDLE)


def test_five_retries_follow_the_first_attempt():
    assert [RetryPolicy().is_spent(made) for made in range(7)] == [False] * 5 + [True] * 2
    assert RetryPolicy(max_retries=0).is_spent(0)


@pytest.mark.parametrize(
    "settings",
    [
        {"max_retries": -1},
        {"spread": -0.1},
        {"spread": 1.1},
        {"spread": float("nan")},
        {"first_delay": timedelta(seconds=-1)},
        {"longest_delay": timedelta(seconds=-1)},
        {"longest_delay": DAY * 2},
        {"first_delay": timedelta.max},
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(settings: dict[str, float]):
    with pytest.raises(ConfigurationError, match="expected"):
        RetryPolicy(**settings)  # type: ignore[arg-type]
