"""Which second of a spread is a greeting's own, and how long a spread may be."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from heyday.domain.idempotency import IdempotencyKey
from heyday.domain.policies import LONGEST_SPREAD, OverlapPolicy, TimePolicies
from heyday.domain.spreading import offset_of
from heyday.domain.timezone import TimezoneService, Window
from heyday.domain.tzdb import PINNED
from tests.acceptance import oracle

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
NONE = timedelta()
KEY = "6f6f1c1e-3f0c-4c0e-9d3c-0c8e6f0f6d11:BIRTHDAY:2027-01-14"

spreads = st.integers(1, LONGEST_SPREAD // SECOND).map(lambda n: n * SECOND)
keys = st.builds(
    lambda user_id, name, on: str(IdempotencyKey(user_id, name, on)),
    st.uuids(),
    st.sampled_from(["BIRTHDAY", "ANNIVERSARY"]),
    st.dates(),
)


# --- The offset ---------------------------------------------------------------------------------


def test_the_offset_of_a_key_is_what_it_has_been() -> None:
    """The program sha256sum begins with 1b683b9a. Rows that are planned rely on it."""
    assert 0x1B683B9A * 7200 >> 32 == 770
    assert offset_of(KEY, 2 * HOUR) == 770 * SECOND


@given(keys, spreads)
@example(KEY, SECOND)
def test_an_offset_is_of_whole_seconds_and_within_the_spread(key: str, spread: timedelta) -> None:
    offset = offset_of(key, spread)
    assert NONE <= offset < spread
    assert offset % SECOND == NONE
    assert offset == offset_of(key, spread)


@given(keys, keys, spreads, spreads)
def test_a_wider_spread_keeps_the_order(
    one: str, other: str, narrow: timedelta, wide: timedelta
) -> None:
    narrow, wide = sorted([narrow, wide])
    assert offset_of(one, narrow) <= offset_of(one, wide)
    if offset_of(one, narrow) < offset_of(other, narrow):
        assert offset_of(one, wide) <= offset_of(other, wide)


def test_without_a_spread_there_is_no_offset() -> None:
    assert offset_of(KEY, NONE) == NONE


@pytest.mark.parametrize("spread", [timedelta(minutes=10), 2 * HOUR, LONGEST_SPREAD])
def test_people_whose_ids_follow_each_other_are_spread_evenly(spread: timedelta) -> None:
    people, parts = 20_000, 20
    found = Counter(
        offset_of(f"{UUID(int=n)}:BIRTHDAY:2027-01-14", spread) * parts // spread
        for n in range(people)
    )
    # Chance gives 1,000 to each twentieth, with a standard deviation of 31.
    assert sorted(found) == list(range(parts))
    assert max(abs(n - people // parts) for n in found.values()) < 5 * 31


def test_a_person_has_another_second_in_each_year_and_for_each_type() -> None:
    user_id = UUID(int=7)
    offsets = {
        offset_of(str(IdempotencyKey(user_id, name, date(year, 1, 14))), LONGEST_SPREAD)
        for name in ("BIRTHDAY", "ANNIVERSARY")
        for year in range(2027, 2037)
    }
    assert len(offsets) == 20


# --- How long -----------------------------------------------------------------------------------


@pytest.mark.parametrize("spread", [-SECOND, LONGEST_SPREAD + SECOND, timedelta(milliseconds=1500)])
def test_a_spread_is_of_whole_seconds_up_to_four_hours(spread: timedelta) -> None:
    with pytest.raises(ValueError, match="whole seconds, up to 4 h"):
        TimePolicies(spread=spread)


def service(send_time: str, spread: timedelta) -> TimezoneService:
    return TimezoneService(TimePolicies(time.fromisoformat(send_time), spread))


@pytest.mark.parametrize(
    ("zone", "on", "send_time", "spread", "room"),
    [
        ("Europe/London", "2027-01-14", "09:00", 4 * HOUR, 4 * HOUR),
        # The day is over at midnight.
        ("Europe/London", "2027-01-14", "22:00", 4 * HOUR, 2 * HOUR),
        ("Europe/London", "2027-01-14", "23:59:59", 4 * HOUR, SECOND),
        ("Europe/London", "2027-01-14", "20:00", 4 * HOUR, 4 * HOUR),
        # From 02:00 to 03:00: by then the wall shows one hour more, and the day goes on.
        ("America/New_York", "2027-03-14", "01:00", 4 * HOUR, 4 * HOUR),
        # From 02:00 back to 01:00: half past one would come again after a quarter to two.
        ("America/New_York", "2027-11-07", "01:30", 4 * HOUR, HOUR / 2),
        # After it, or where the wall then shows no earlier time, there is nothing in the way.
        ("America/New_York", "2027-11-07", "02:00", 4 * HOUR, 4 * HOUR),
        ("America/New_York", "2027-11-07", "00:30", 4 * HOUR, 4 * HOUR),
        ("America/New_York", "2027-11-07", "01:00", 4 * HOUR, 4 * HOUR),
        # From 22:00 to 23:00: the evening is an hour shorter.
        ("America/Nuuk", "2027-03-27", "21:00", 3 * HOUR, 2 * HOUR),
        # From 23:00 to midnight, which is the next day.
        ("America/Scoresbysund", "2027-03-27", "22:30", 1.5 * HOUR, HOUR / 2),
        # From midnight back to 23:00: it is 22:30 once, and half past eleven twice.
        ("America/Nuuk", "2027-10-30", "22:30", 1.5 * HOUR, 1.5 * HOUR),
    ],
)  # fmt: skip
def test_a_spread_ends_with_the_date_and_where_clocks_go_back_behind_the_send_time(
    zone: str, on: str, send_time: str, spread: timedelta, room: timedelta
) -> None:
    timezones = service(send_time, spread)
    send_at = timezones.send_at(zone, date.fromisoformat(on))
    assert timezones.spread_from(zone, send_at) == room


# Dates near which a zone's clocks change, and any.
_ZONES = {
    name: [
        date.fromordinal(date(1970, 1, 1).toordinal() + change // 86400)
        for change in oracle.load(name, 2040).changes
        if change > 0
    ]
    for name in sorted(PINNED.names)
}


@st.composite
def days(draw: st.DrawFn) -> tuple[str, date]:
    name = draw(st.sampled_from(sorted(_ZONES)))
    near = st.sampled_from(_ZONES[name] or [date(2027, 1, 14)])
    on = draw(near | st.dates(date(1971, 1, 1), date(2038, 1, 1)))
    return name, on + draw(st.integers(-1, 1)) * DAY


@given(
    days(),
    st.times().map(lambda t: t.replace(microsecond=0, fold=0)),
    spreads,
    st.sampled_from(OverlapPolicy),
)
def test_no_second_of_a_spread_is_early_or_on_another_date(
    day: tuple[str, date], send_time: time, spread: timedelta, overlap: OverlapPolicy
) -> None:
    """Each is looked up in what a second reader of the same files says of the zone."""
    name, on = day
    timezones = TimezoneService(TimePolicies(send_time, spread, overlap=overlap))
    send_at = timezones.find_send_at(name, on)
    assert send_at
    room = timezones.spread_from(name, send_at)
    assert SECOND <= room <= spread
    zone, first = oracle.load(name, 2040), int(send_at.timestamp())

    def wall(at: int) -> datetime:
        return datetime.fromtimestamp(at + zone.offset(at), UTC)

    begun = wall(first)

    def fits(at: int) -> bool:
        return wall(at) >= begun and wall(at).date() == begun.date()

    # Between two changes of the clocks the wall goes on by itself: their neighbours tell all.
    last = first + room // SECOND - 1
    turns = {at for change in zone.changes for at in (change - 1, change) if first <= at <= last}
    assert all(fits(at) for at in {first, last, *turns})
    assert room == spread or not fits(last + 1)


# --- Zone days ----------------------------------------------------------------------------------


def test_a_zone_day_is_in_a_window_as_long_as_somebody_leaves() -> None:
    timezones, nine = service("09:00", 2 * HOUR), datetime(2027, 1, 14, 9, tzinfo=UTC)
    cases = {
        (nine - HOUR, nine): [],
        (nine - HOUR, nine + SECOND): [nine],
        (nine + HOUR, nine + 2 * HOUR): [nine],
        (nine + 2 * HOUR - SECOND, nine + 3 * HOUR): [nine],
        (nine + 2 * HOUR, nine + 3 * HOUR): [],
    }
    for (start_at, end_at), expected in cases.items():
        found = timezones.zone_days(["UTC"], Window(start_at, end_at), nine, only=114)
        assert [(day.send_at, day.spread) for day in found] == [
            (at, 2 * HOUR) for at in expected
        ], (start_at, end_at)


@given(
    st.timedeltas(NONE, 5 * DAY).map(lambda later: datetime(2011, 12, 28, tzinfo=UTC) + later),
    spreads,
)
def test_a_day_that_is_spread_into_a_window_is_found_also_beside_a_date_left_out(
    start_at: datetime, spread: timedelta
) -> None:
    timezones = service("09:00", spread)
    window = Window(start_at, start_at + HOUR)
    wide = Window(start_at - 9 * DAY, start_at + 9 * DAY)
    every = timezones.zone_days(["Pacific/Apia"], wide, start_at)
    expected = [
        day for day in every
        if day.send_at < window.end_at and day.send_at + day.spread > window.start_at
    ]  # fmt: skip
    assert list(timezones.zone_days(["Pacific/Apia"], window, start_at)) == expected
