"""Adding up zone days and people, and the lines of the tables."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyday.domain.forecast import Forecast, Grouping, PeopleByDay, Stretch, Tally
from heyday.domain.timezone import Window, ZoneDay

NOON = datetime(2027, 1, 14, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def zone_day(month_day: int = 114, zone: str = "UTC", year: int = 2027) -> ZoneDay:
    on = date(year, 1, 14)
    return ZoneDay(zone, month_day, on, datetime(year, 1, 14, 9, tzinfo=UTC), is_today=False)


def forecast(span: timedelta, **counts: dict[datetime, int]) -> Forecast:
    zones = {name: {"UTC": sum(c.values())} for name, c in counts.items()}
    return Forecast(Window(NOON, NOON + span), "2026f", counts, zones, {})


WINDOW = Window(NOON - 366 * DAY, NOON + 366 * DAY)
PEOPLE = PeopleByDay({"UTC": {114: 10}}, {"UTC": {114: [(2026, 3), (2027, 2)]}})


@pytest.mark.parametrize(
    ("year", "first_year", "greeted"),
    [(2026, 0, 8), (2027, 0, 10), (2026, 1, 5), (2027, 1, 8), (2028, 1, 10), (2028, 2, 8)],
)
def test_who_is_too_recent_is_not_counted(year: int, first_year: int, greeted: int):
    assert PEOPLE.count(zone_day(year=year), first_year) == greeted


@pytest.mark.parametrize("day", [zone_day(115), zone_day(zone="Asia/Tokyo")])
def test_nobody_is_counted_on_the_day_or_in_the_zone_of_others(day: ZoneDay):
    assert PEOPLE.count(day, 0) == 0


def test_a_tally_counts_by_instant_and_by_zone():
    tally = Tally.of(PEOPLE, 1)
    for year in (2026, 2027):
        tally.add(zone_day(year=year), WINDOW)
    tally.add(zone_day(115), WINDOW)
    assert tally.by_zone == {"UTC": 13}
    assert sorted(tally.by_instant.values()) == [5, 8]


def test_up_to_three_days_each_hour_has_its_row_and_empty_ones_too():
    found = forecast(3 * HOUR, A={NOON + HOUR: 2, NOON + 1.5 * HOUR: 1}, B={NOON: 4})
    rows = found.rows(Grouping.HOUR)
    assert [(row.label, row.total) for row in rows] == [
        ("2027-01-14 12:00", 4),
        ("2027-01-14 13:00", 3),
        ("2027-01-14 14:00", 0),
    ]
    assert rows[1].counts == {"A": 3, "B": 0}
    assert len(forecast(3 * DAY).rows(Grouping.HOUR)) == 72


def test_for_more_days_hours_are_those_of_the_day():
    found = forecast(4 * DAY, A={NOON: 1, NOON + DAY: 2, NOON + DAY + HOUR: 5})
    rows = found.rows(Grouping.HOUR)
    assert [row.label for row in rows] == [f"{hour:02}:00" for hour in range(24)]
    assert {row.label: row.total for row in rows if row.total} == {"12:00": 3, "13:00": 5}


def test_the_first_and_the_last_day_may_be_parts():
    found = forecast(2 * DAY, A={NOON: 1, NOON + 2 * DAY - HOUR: 2})
    assert [(row.label, row.total) for row in found.rows(Grouping.DAY)] == [
        ("2027-01-14", 1),
        ("2027-01-15", 0),
        ("2027-01-16", 2),
    ]


def test_a_window_that_ends_at_midnight_has_no_row_for_the_next_day():
    assert [row.label for row in forecast(12 * HOUR).rows(Grouping.DAY)] == ["2027-01-14"]


def test_zones_come_the_largest_first_and_equals_by_name():
    zones = {"A": {"UTC": 1, "Asia/Tokyo": 5}, "B": {"Asia/Seoul": 5}}
    found = Forecast(Window(NOON, NOON), "2026f", {"A": Counter(), "B": Counter()}, zones, {})
    rows = found.rows(Grouping.ZONE)
    assert [(row.label, row.total) for row in rows] == [
        ("Asia/Seoul", 5),
        ("Asia/Tokyo", 5),
        ("UTC", 1),
    ]
    assert rows[0].counts == {"A": 0, "B": 5}


def test_message_types_have_a_row_each():
    rows = forecast(DAY, A={NOON: 2, NOON + HOUR: 1}, B={}).rows(Grouping.TYPE)
    assert [(row.label, row.total) for row in rows] == [("A", 3), ("B", 0)]


def test_the_busiest_instant_is_that_of_all_types_together_and_the_first_of_equals():
    later = NOON + HOUR
    assert forecast(DAY, A={NOON: 3, later: 2}, B={later: 2}).busiest == (later, 4)
    assert forecast(DAY, A={later: 3, NOON: 3}).busiest == (NOON, 3)
    assert forecast(DAY, A={}).busiest is None


# --- Where the send time is spread --------------------------------------------------------------

SECOND = timedelta(seconds=1)
NINE = datetime(2027, 1, 14, 9, tzinfo=UTC)


def spread(window: Window, span: timedelta, people: int = 10) -> Forecast:
    """What becomes of people of one zone day that is spread."""
    tally = Tally.of(PeopleByDay({"UTC": {114: people}}, {}), 0)
    tally.add(replace(zone_day(), spread=span), window)
    totals = {"A": tally.by_instant}
    zones = {"A": tally.by_zone}
    return Forecast(window, "2026f", totals, zones, {}, {"A": tally.by_stretch})


@given(
    st.integers(0, 10_000),
    st.integers(1, 14_400),
    st.integers(-15_000, 15_000),
    st.integers(1, 60_000),
)
def test_what_is_spread_adds_up_in_every_table(people: int, span: int, start: int, length: int):
    window = Window(NINE + start * SECOND, NINE + (start + length) * SECOND)
    found = spread(window, span * SECOND, people)
    (total,) = found.totals.values()
    assert 0 <= total <= people
    for grouping in Grouping:
        assert sum(row.total for row in found.rows(grouping)) == total
    is_whole = window.start_at <= NINE and NINE + span * SECOND <= window.end_at
    assert total == people or not is_whole


def test_hours_have_their_part_of_a_spread():
    window = Window(NINE - HOUR, NINE + 5 * HOUR)
    rows = spread(window, 2 * HOUR, 101).rows(Grouping.HOUR)
    assert [row.total for row in rows] == [0, 50, 51, 0, 0, 0]
    rows = spread(window, 1.5 * HOUR, 90).rows(Grouping.HOUR)
    assert [row.total for row in rows] == [0, 60, 30, 0, 0, 0]


def test_windows_side_by_side_share_out_a_spread():
    borders = [NINE - HOUR, NINE + 17 * SECOND, NINE + HOUR, NINE + 3 * HOUR]
    found = [spread(Window(a, b), 2 * HOUR, 7201) for a, b in pairwise(borders)]
    assert [sum(each.totals.values()) for each in found] == [17, 3583, 3601]


def test_the_busiest_second_of_a_spread_is_an_average():
    window = Window(NINE - HOUR, NINE + 5 * HOUR)
    assert spread(window, 2 * HOUR, 72_000).busiest == (NINE, 10)
    assert spread(window, 2 * HOUR, 5).busiest == (NINE, 1)
    assert spread(window, 2 * HOUR, 0).busiest is None
    # Two that overlap are together; an exact one on top of them more so.
    both = {Stretch(NINE, 2 * HOUR): 72_000, Stretch(NINE + HOUR, 2 * HOUR): 36_000}
    found = Forecast(window, "2026f", {"A": {}}, {}, {}, {"A": both})
    assert found.busiest == (NINE + HOUR, 15)
    exact = {"A": {NINE + HOUR + SECOND: 3}}
    assert replace(found, by_instant=exact).busiest == (NINE + HOUR + SECOND, 18)
