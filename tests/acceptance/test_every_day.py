"""Nine o'clock in all zones, on all days of a common and of a leap year, by three computations."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import product

import pytest

from heyday.domain.policies import GapPolicy, OverlapPolicy, SkipPolicy, TimePolicies
from heyday.domain.timezone import TimezoneService, Window
from heyday.domain.tzdb import PINNED
from tests.acceptance import oracle

DAY = timedelta(days=1)
FIRST_ON, LAST_ON = date(2027, 1, 1), date(2028, 12, 31)
DAYS = 365 + 366
QUARTERS = range(0, 24 * 3600, 900)
OMIT = TimePolicies(leap_day=SkipPolicy.OMIT)

Pairs = dict[tuple[str, date], datetime]


@pytest.fixture(scope="module")
def zones() -> dict[str, oracle.Zone]:
    """Every zone, with its changes up to the end of these years."""
    return {name: oracle.load(name, LAST_ON.year + 1) for name in PINNED.names}


@pytest.fixture(scope="module")
def unlike(zones: dict[str, oracle.Zone]) -> dict[str, oracle.Zone]:
    """The same without those that are another name for a zone that is there."""
    names = {(*zone.changes, *zone.offsets): name for name, zone in zones.items()}
    return {name: zones[name] for name in names.values()}


def instant(seconds: int) -> datetime:
    # Not fromtimestamp(): on some systems it knows nothing before 1970.
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


def midnight(on: date) -> datetime:
    return datetime.combine(on, time(), UTC)


def days_around_changes(
    zone: oracle.Zone, first_on: date = date.min, last_on: date = date.max
) -> Iterator[date]:
    """Yield the dates from the day before each change of a zone's clocks to the day after."""
    for change in zone.changes:
        changed_on = instant(change).date()
        if first_on <= changed_on <= last_on:
            yield from (changed_on + days * DAY for days in (-1, 0, 1))


@pytest.fixture(scope="module")
def walked(zones: dict[str, oracle.Zone]) -> Pairs:
    """The first instant at which a walk through UTC finds 09:00, for all zones and days."""
    pairs: Pairs = {}
    for name, zone in zones.items():
        for on, instants in zone.shows(oracle.NINE, FIRST_ON, LAST_ON).items():
            pairs[name, on] = instant(instants[0])
    return pairs


def test_each_day_of_two_years_comes_in_each_zone(walked: Pairs) -> None:
    assert len(walked) == len(PINNED.names) * DAYS > 430_000


def test_heyday_finds_the_same_instant_for_every_zone_and_day(walked: Pairs) -> None:
    timezones = TimezoneService()
    found = {(name, on): timezones.send_at(name, on) for name, on in walked}
    assert [pair for pair in walked if found[pair] != walked[pair]] == []


def test_a_plan_for_everybody_holds_the_same_instants(walked: Pairs) -> None:
    at = datetime(2026, 12, 30, tzinfo=UTC)
    days = TimezoneService(OMIT).zone_days(PINNED.names, Window(at, at + 740 * DAY), at)
    planned = {
        (day.timezone, day.delivery_on): day.send_at
        for day in days
        if FIRST_ON <= day.delivery_on <= LAST_ON
    }
    assert planned == walked


def test_zdump_finds_the_same_instant_for_every_zone_and_day(zones: dict[str, oracle.Zone]) -> None:
    try:
        foreign = oracle.load_by_zdump(PINNED.names, FIRST_ON.year - 1, LAST_ON.year + 1)
    except (OSError, ValueError) as error:
        pytest.skip(f"this machine has no zdump that lists changes with -i: {error}")
    span = (oracle.NINE, FIRST_ON, LAST_ON)
    differing = [n for n, zone in zones.items() if foreign[n].shows(*span) != zone.shows(*span)]
    assert (len(foreign), differing) == (len(PINNED.names), [])


def test_on_the_days_around_every_change_there_ever_was(unlike: dict[str, oracle.Zone]) -> None:
    """Seconds in old offsets, days that came twice, and those left out, whose people are greeted
    with the next."""
    timezones, compared = TimezoneService(), 0
    for name, zone in unlike.items():
        for on in days_around_changes(zone):
            expected = expected_send_at(zone, on, oracle.NINE, TimePolicies())
            assert timezones.send_at(name, on) == expected, (name, on)
            compared += 1
    assert compared > 60_000


@pytest.mark.parametrize(("gap", "overlap"), [*zip(GapPolicy, OverlapPolicy, strict=True)], ids=str)
def test_every_quarter_of_an_hour_around_every_change(
    unlike: dict[str, oracle.Zone], gap: GapPolicy, overlap: OverlapPolicy
) -> None:
    services = {}
    for wall in QUARTERS:
        send_time = time(wall // 3600, wall % 3600 // 60)
        services[wall] = TimezoneService(TimePolicies(send_time, gap=gap, overlap=overlap))
    compared = 0
    for name, zone in unlike.items():
        for on, wall in product(days_around_changes(zone, FIRST_ON, LAST_ON), QUARTERS):
            expected = expected_send_at(zone, on, wall, services[wall].policies)
            assert services[wall].send_at(name, on) == expected, (name, on, wall)
            compared += 1
    assert compared > 60_000


def expected_send_at(zone: oracle.Zone, on: date, wall: int, policies: TimePolicies) -> datetime:
    instants = zone.shows(wall, on, on).get(on)
    if instants:
        return instant(instants[0 if policies.overlap is OverlapPolicy.FIRST else -1])
    jump = zone.jump_over(on, wall)
    if policies.gap is GapPolicy.EDGE:
        return instant(jump)
    return midnight(on) + timedelta(seconds=wall - zone.offset(jump - 1))


@pytest.mark.parametrize(
    ("zone", "on", "expected"),
    [
        # Read off the zones' laws by hand: the oracle itself is held against something, too.
        ("UTC", date(2027, 1, 1), datetime(2027, 1, 1, 9, tzinfo=UTC)),
        ("America/New_York", date(2027, 3, 13), datetime(2027, 3, 13, 14, tzinfo=UTC)),
        ("America/New_York", date(2027, 3, 14), datetime(2027, 3, 14, 13, tzinfo=UTC)),
        ("Europe/Berlin", date(2027, 10, 31), datetime(2027, 10, 31, 8, tzinfo=UTC)),
        ("Asia/Kathmandu", date(2027, 6, 1), datetime(2027, 6, 1, 3, 15, tzinfo=UTC)),
        ("Pacific/Kiritimati", date(2027, 1, 1), datetime(2026, 12, 31, 19, tzinfo=UTC)),
        ("Pacific/Pago_Pago", date(2027, 1, 1), datetime(2027, 1, 1, 20, tzinfo=UTC)),
    ],
)
def test_the_oracle_knows_when_it_is_nine(zone: str, on: date, expected: datetime) -> None:
    assert oracle.load(zone, 2028).nine_o_clock(on) == expected
