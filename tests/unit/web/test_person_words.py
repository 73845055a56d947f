"""How dates, zones and numbers of people are said."""

from datetime import UTC, date, datetime

import pytest

from heyday.domain.profile_ports import Headcount
from heyday.web.person_words import ZoneShown, about, kind_of, show_zone, write_day
from heyday.web.zone_choices import place_of, zone_choices

NOW = datetime(2027, 1, 14, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("people", "is_estimate", "said"),
    [
        (0, False, "0"),
        (1000, False, "1,000"),
        (1001, True, "about 1,000"),
        (2345, True, "about 2,300"),
        (987_654, True, "about 990,000"),
        (9_999_999, True, "about 10 million"),
        (10_432_109, True, "about 10 million"),
        (1_234_567, True, "about 1.2 million"),
        (7, True, "about 7"),
    ],
)
def test_very_many_are_told_as_well_as_they_are_known(people: int, is_estimate: bool, said: str):  # noqa: FBT001
    assert about(Headcount(people, is_estimate)) == said


def test_a_date_is_said_without_a_year_that_nobody_knows():
    assert write_day(date(1990, 3, 14)) == "14 March 1990"
    assert write_day(date(1604, 2, 29)) == "29 February"
    assert write_day(None) is None


def test_a_zone_is_said_with_its_place_and_its_clock():
    tokyo = ZoneShown("Asia/Tokyo", "Tokyo, Japan", "Thu 09:05", "UTC+09:00")
    assert show_zone("Asia/Tokyo", NOW) == tokyo
    assert show_zone("Mars/Base", NOW) == ZoneShown("Mars/Base", "Mars/Base", None, None)
    assert show_zone("US/Pacific-New", NOW).successor == "America/Los_Angeles"


def test_a_place_is_a_city_and_its_country():
    assert place_of("America/Argentina/Buenos_Aires") == "Buenos Aires, Argentina"
    assert place_of("Asia/Singapore") == "Singapore"
    assert place_of("Etc/GMT+5") == "Etc/GMT+5"


def test_zones_are_offered_by_country_with_the_clock_of_the_day():
    by_zone = {each.zone: each.label for each in zone_choices(NOW)}
    assert by_zone["Europe/Berlin"] == "Berlin, Germany (UTC+01:00)"
    assert "UTC" in by_zone
    summer = {each.zone: each.label for each in zone_choices(NOW.replace(month=7))}
    assert summer["Europe/Berlin"] == "Berlin, Germany (UTC+02:00)"


def test_a_kind_is_said_in_small_letters():
    assert kind_of("WORK_ANNIVERSARY") == "work anniversary"
