"""Callers counted in one process."""

from datetime import timedelta

from heyday.domain.rate_limit import Counted, RateLimit, Whose
from heyday.rate_limits import OwnRateLimits
from heyday.telemetry import Metrics
from tests.fakes import FakeClock

NONE = timedelta()
ADDRESS = Whose.ADDRESS


def make(clock: FakeClock, requests: int = 2) -> tuple[OwnRateLimits, Metrics]:
    metrics = Metrics()
    return OwnRateLimits({ADDRESS: RateLimit(requests)}, clock, metrics), metrics


async def test_each_caller_has_its_own_count(clock: FakeClock) -> None:
    limits, metrics = make(clock)
    assert [await limits.take(ADDRESS, "a") for _ in range(3)] == [
        NONE,
        NONE,
        timedelta(seconds=30),
    ]
    assert await limits.take(ADDRESS, "b") == NONE
    labels = {"counted": "own", "whose": "address"}
    refused = metrics.registry.get_sample_value("heyday_api_refused_total", labels)
    assert refused == 1
    assert limits.counted is Counted.OWN


async def test_a_key_and_an_address_are_counted_apart_each_by_its_own_limit(
    clock: FakeClock,
) -> None:
    limits = OwnRateLimits({ADDRESS: RateLimit(1), Whose.KEY: RateLimit(2)}, clock, Metrics())
    assert [await limits.take(ADDRESS, "a") == NONE for _ in range(2)] == [True, False]
    assert [await limits.take(Whose.KEY, "a") == NONE for _ in range(3)] == [True, True, False]


async def test_what_has_no_limit_is_not_even_counted(clock: FakeClock) -> None:
    limits, _ = make(clock)
    assert {await limits.take(Whose.KEY, "a") for _ in range(100)} == {NONE}
    assert not limits._clear_at  # noqa: SLF001 - what it costs is seen nowhere else


async def test_time_that_passes_counts(clock: FakeClock) -> None:
    limits, _ = make(clock)
    for _ in range(2):
        await limits.take(ADDRESS, "a")
    clock.advance(timedelta(seconds=29))
    assert await limits.take(ADDRESS, "a") == timedelta(seconds=1)
    clock.advance(timedelta(seconds=1))
    assert await limits.take(ADDRESS, "a") == NONE


async def test_a_wall_clock_that_is_set_back_neither_holds_up_nor_frees(clock: FakeClock) -> None:
    limits, _ = make(clock)
    await limits.take(ADDRESS, "a")
    clock.set(clock.now() - timedelta(hours=1))
    assert await limits.take(ADDRESS, "a") == NONE
    clock.set(clock.now() - timedelta(hours=1))
    assert await limits.take(ADDRESS, "a") == timedelta(seconds=30)


async def test_callers_who_went_away_are_forgotten_and_others_not(clock: FakeClock) -> None:
    limits, _ = make(clock, requests=1)
    for number in range(50_000):
        await limits.take(ADDRESS, str(number))
        clock.advance(timedelta(milliseconds=10))
    # 6,000 of them came within the last minute.
    assert len(limits._clear_at) <= 12_001  # noqa: SLF001 - what it costs is seen nowhere else
    recent, gone = range(44_100, 50_000, 100), range(0, 43_900, 100)
    assert NONE not in [await limits.take(ADDRESS, str(number)) for number in recent]
    assert {await limits.take(ADDRESS, str(number)) for number in gone} == {NONE}
