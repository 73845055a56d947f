"""Countries with their zones, and where it is nine."""

from datetime import UTC, date, datetime, timedelta

from heyday.domain.calendar_day import CountedDay, DaySlice, DaySource
from heyday.web.calendar_places import group_by_country, list_instants

NINE = datetime(2027, 1, 15, 9, tzinfo=UTC)


def test_zones_stand_below_their_country_and_those_of_none_at_the_end():
    groups = group_by_country(
        {"UTC": 9, "Asia/Tokyo": 3, "America/Denver": 1, "America/New_York": 5, "US/Eastern": 5}
    )
    assert [group.country.name if group.country else None for group in groups] == [
        "Japan",
        "United States",
        None,
    ]
    states = groups[1]
    assert states.total == 11
    assert [(zone.name, zone.count) for zone in states.zones] == [
        ("America/New_York", 5),
        ("US/Eastern", 5),
        ("America/Denver", 1),
    ]
    assert groups[0].zones[0].label == "Japan (Asia/Tokyo)"


def test_an_instant_names_the_fullest_zones_and_counts_the_others():
    zones = ["Europe/London", "Africa/Accra", "Africa/Dakar", "UTC", "Europe/Lisbon"]
    slices = [DaySlice(zone, NINE, "A", n) for n, zone in enumerate(zones, start=1)]
    slices += [DaySlice("Asia/Tokyo", NINE - timedelta(hours=9), "B", 5)]
    slices += [DaySlice("Asia/Tokyo", NINE - timedelta(hours=9), "A", 1)]
    tokyo, london = list_instants(CountedDay(NINE.date(), DaySource.PLANS, slices), ["A", "B"])
    assert [zone.name for zone in london.zones] == ["Europe/Lisbon", "UTC", "Africa/Dakar"]
    assert (london.instant.total, london.more) == (15, 2)
    assert (tokyo.instant.at, tokyo.more) == (NINE - timedelta(hours=9), 0)
    assert list(london.shares) == [("A", 0, 100), ("B", 100, 0)]
    assert list(tokyo.shares) == [("A", 0, 6.67), ("B", 6.67, 33.33)]


def test_a_day_without_greetings_has_no_instants():
    assert list_instants(CountedDay(date(2027, 1, 15), DaySource.FORECAST, []), ["A"]) == []
