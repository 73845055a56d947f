"""Which country keeps which clock."""

import pytest

from heyday.domain.countries import COUNTRIES
from heyday.domain.tzdb import PINNED


@pytest.mark.parametrize(
    ("zone", "label"),
    [
        ("Asia/Tokyo", "Japan (Asia/Tokyo)"),
        ("America/Argentina/Buenos_Aires", "Argentina (America/Argentina/Buenos_Aires)"),
        # Other names of a clock.
        ("Asia/Calcutta", "India (Asia/Calcutta)"),
        ("US/Pacific", "United States (US/Pacific)"),
        # Names that share a clock with a zone of another country.
        ("Europe/Stockholm", "Sweden (Europe/Stockholm)"),
        ("Africa/Addis_Ababa", "Ethiopia (Africa/Addis_Ababa)"),
        # A name that the database had once.
        ("US/Pacific-New", "United States (US/Pacific-New)"),
        # Countries with brackets of their own.
        ("Asia/Seoul", "Korea (South), Asia/Seoul"),
        # Nobody's.
        ("UTC", "UTC"),
        ("Etc/GMT+12", "Etc/GMT+12"),
        ("CET", "CET"),
        ("Mars/Olympus", "Mars/Olympus"),
    ],
)
def test_a_zone_is_written_with_its_country(zone: str, label: str):
    assert COUNTRIES.write(zone) == label


def test_only_clocks_of_no_country_are_without_one():
    without = {zone for zone in PINNED.served if COUNTRIES.find(zone) is None}
    assert not {zone for zone in without if "/" in zone} - {
        zone for zone in PINNED.served if zone.startswith(("Etc/", "SystemV/"))
    }
    assert len(without) < 70


def test_a_country_has_all_its_zones_by_all_their_names():
    assert COUNTRIES.zones("JP") == {"Asia/Tokyo", "Japan"}
    assert {"America/New_York", "US/Eastern", "Pacific/Honolulu"} <= COUNTRIES.zones("US")
    assert COUNTRIES.zones("XX") == frozenset()
    japan = COUNTRIES.get("JP")
    assert japan
    assert (japan.code, japan.name) == ("JP", "Japan")
    assert COUNTRIES.get("XX") is None


def test_each_zone_is_among_those_of_its_country():
    for zone in PINNED.served:
        if country := COUNTRIES.find(zone):
            assert zone in COUNTRIES.zones(country.code)
