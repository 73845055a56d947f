"""Which zones a country has, and in which country a zone lies."""

import pytest

from heyday.domain.countries import countries, country_of, with_country
from heyday.domain.tzdb import PINNED


@pytest.mark.parametrize(
    ("zone", "code"),
    [
        ("Asia/Tokyo", "JP"),
        ("Japan", "JP"),
        ("America/New_York", "US"),
        ("US/Eastern", "US"),
        ("Europe/London", "GB"),
        ("GB", "GB"),
        ("Europe/Oslo", "NO"),
        ("Africa/Abidjan", "CI"),
        # Its clock is that of Abidjan, and its people are elsewhere.
        ("Atlantic/Reykjavik", "IS"),
        ("Iceland", "IS"),
        ("Asia/Calcutta", "IN"),
        ("US/Pacific-New", "US"),
    ],
)
def test_a_zone_lies_in_a_country(zone: str, code: str):
    found = country_of(zone)
    assert found == countries()[code]
    assert PINNED.vanished.get(zone, zone) in found.all_zones


@pytest.mark.parametrize("zone", ["UTC", "Etc/GMT+5", "CET", "Mars/Base", "Atlantic/Jan_Mayen"])
def test_what_says_nothing_of_a_country_is_in_none(zone: str):
    assert country_of(zone) is None


def test_every_zone_is_known_and_in_one_country():
    zones = [zone for country in countries().values() for zone in country.all_zones]
    assert len(zones) == len(set(zones))
    assert set(zones) <= PINNED.names


def test_countries_come_in_order_of_their_names():
    names = [country.name for country in countries().values()]
    assert names == sorted(names)
    assert len(names) > 240
    assert countries()["JP"].zones == ("Asia/Tokyo",)
    assert countries()["JP"].older == ("Japan",)


@pytest.mark.parametrize(
    ("zone", "label"),
    [
        ("Asia/Tokyo", "Japan (Asia/Tokyo)"),
        ("US/Pacific", "United States (US/Pacific)"),
        ("Europe/Stockholm", "Sweden (Europe/Stockholm)"),
        ("Africa/Addis_Ababa", "Ethiopia (Africa/Addis_Ababa)"),
        # A name that the database had once.
        ("US/Pacific-New", "United States (US/Pacific-New)"),
        # Countries with brackets of their own.
        ("Asia/Seoul", "Korea (South), Asia/Seoul"),
        ("UTC", "UTC"),
        ("Mars/Olympus", "Mars/Olympus"),
    ],
)
def test_a_zone_is_written_with_its_country(zone: str, label: str):
    assert with_country(zone) == label
