"""Which zones there are, by which release, and what becomes of names that are gone."""

import re
import zipfile
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pytest
import tzdata  # type: ignore[import-untyped]

from heyday.domain.errors import UnknownTimezone
from heyday.domain.timezone import TimezoneService
from heyday.domain.tzdb import PINNED, SUCCESSORS, TzDatabase

NOW = datetime(2027, 1, 14, tzinfo=UTC)
WHEELS = sorted((Path(__file__).parents[2] / "data").glob("tzdata-*.whl"))
WINTER, SUMMER = datetime(2027, 1, 15, tzinfo=UTC), datetime(2027, 7, 15, tzinfo=UTC)


def release(folder: Path, *names: str, first_line: str = "# version 2019a") -> Path:
    """Make a package of an own release, with these zones as they are in the pinned one."""
    zones = folder / "zoneinfo"
    for name in names:
        tzif = zones.joinpath(*name.split("/"))
        tzif.parent.mkdir(parents=True, exist_ok=True)
        source = files("tzdata").joinpath("zoneinfo", *name.split("/"))
        tzif.write_bytes(source.read_bytes())
    (zones / "tzdata.zi").write_text(f"{first_line}\n# and much more\n", "utf-8")
    (folder / "zones").write_text("\n".join(names), "ascii")
    return folder


def test_the_version_is_the_release_of_the_pinned_package():
    assert TimezoneService().tzdb.version == PINNED.version == tzdata.IANA_VERSION


def test_each_database_tells_its_own_release(tmp_path: Path):
    older = TzDatabase(release(tmp_path, "UTC", "Asia/Tokyo"))
    assert older.version == "2019a"
    assert older.names == {"UTC", "Asia/Tokyo"}


def test_a_package_that_does_not_name_its_release_is_refused(tmp_path: Path):
    nameless = TzDatabase(release(tmp_path, "UTC", first_line="# This zic input file"))
    with pytest.raises(ValueError, match="does not name its release"):
        assert nameless.version


@pytest.mark.parametrize(
    "name", ["America/Argentina/Buenos_Aires", "America/Port-au-Prince", "Etc/GMT+5", "UTC", "CET"]
)
def test_rare_names_are_known(name: str):
    assert name in PINNED.names
    assert PINNED.load(name).key == name


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "europe/berlin", "UTC+1", "../zones", "Europe", "Europe/", "\x00"]
)
def test_what_is_no_zone_is_refused(name: str):
    assert name not in PINNED.served
    with pytest.raises(UnknownTimezone, match="timezone: is not an IANA time zone"):
        TimezoneService().send_at(name, date(2027, 1, 14))


def test_every_zone_can_be_loaded():
    assert len(PINNED.names) > 590
    for name in PINNED.served:
        local_on = NOW.astimezone(PINNED.load(name)).date()
        assert local_on in {NOW.date(), NOW.date() - timedelta(days=1)}


def test_neither_the_system_nor_the_environment_supplies_zones(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONTZPATH", "/nowhere")
    fresh = TimezoneService(tzdb=TzDatabase(files("tzdata")))
    # Permanently 7 h behind UTC since 2026; older files, such as 2025b, say 8 in winter.
    at = datetime(2027, 1, 14, 16, tzinfo=UTC)
    assert fresh.send_at("America/Vancouver", date(2027, 1, 14)) == at


# --- Names that are gone ----------------------------------------------------------------------


def test_a_zone_that_vanished_is_served_by_its_successor(tmp_path: Path):
    after = TzDatabase(release(tmp_path, "Europe/Kyiv"), {"Europe/Kiev": "Europe/Kyiv"})
    assert after.names == {"Europe/Kyiv"}
    assert after.vanished == {"Europe/Kiev": "Europe/Kyiv"}
    assert after.served == {"Europe/Kiev", "Europe/Kyiv"}
    assert after.load("Europe/Kiev").key == "Europe/Kyiv"


def test_a_name_that_is_there_is_not_led_elsewhere(tmp_path: Path):
    before = TzDatabase(release(tmp_path, "Asia/Tokyo", "UTC"), {"UTC": "Asia/Tokyo"})
    assert before.vanished == {}
    assert before.load("UTC").key == "UTC"


def test_a_name_without_a_successor_in_this_release_is_not_served(tmp_path: Path):
    other = TzDatabase(release(tmp_path, "UTC"), {"Europe/Kiev": "Europe/Kyiv"})
    assert other.served == {"UTC"}
    with pytest.raises(UnknownTimezone):
        other.load("Europe/Kiev")


def test_people_of_a_vanished_zone_are_greeted_at_nine_where_they_are():
    service, on = TimezoneService(), date(2027, 1, 14)
    assert "US/Pacific-New" not in PINNED.names
    assert service.send_at("US/Pacific-New", on) == datetime(2027, 1, 14, 17, tzinfo=UTC)


def test_every_successor_is_a_zone_of_the_pinned_release():
    assert set(SUCCESSORS.values()) <= PINNED.names
    assert PINNED.vanished == SUCCESSORS


# --- Upgrades ---------------------------------------------------------------------------------


def packaged(wheel: Path) -> TzDatabase:
    return TzDatabase(zipfile.Path(wheel, "tzdata/"))


def offsets(zone: str) -> list[timedelta | None]:
    return [at.astimezone(PINNED.load(zone)).utcoffset() for at in (WINTER, SUMMER)]


def with_successors(successors: Mapping[str, str]) -> TzDatabase:
    return TzDatabase(files("tzdata"), successors)


@pytest.mark.parametrize("wheel", WHEELS, ids=lambda wheel: wheel.name.split("-")[1])
def test_every_name_of_an_earlier_release_is_served_by_the_pinned_one(wheel: Path) -> None:
    missing = packaged(wheel).names - PINNED.served
    assert not missing, (
        f"release {PINNED.version} dropped {sorted(missing)}: give each a line in SUCCESSORS, "
        "with the zone that the tz project names in its place"
    )


def test_there_is_an_earlier_release_with_other_rules_to_compare_with() -> None:
    (earlier,) = map(packaged, WHEELS)
    assert earlier.version == "2025b" < PINNED.version
    zones = [tzdb.load("America/Vancouver") for tzdb in (earlier, PINNED)]
    assert len({WINTER.astimezone(zone).utcoffset() for zone in zones}) == 2


def test_successors_are_for_names_that_are_gone() -> None:
    assert not SUCCESSORS.keys() & PINNED.names


@pytest.mark.parametrize("name", [n for n in SUCCESSORS if re.fullmatch(r"SystemV/\D+\d+", n)])
def test_a_successor_of_a_zone_without_summer_time_has_none(name: str) -> None:
    hours = -int(re.sub(r"\D", "", name))
    assert offsets(name) == [timedelta(hours=hours)] * 2


@pytest.mark.parametrize("name", [n for n in SUCCESSORS if re.fullmatch(r"SystemV/\D+\d\D+", n)])
def test_a_successor_of_a_zone_with_summer_time_has_it(name: str) -> None:
    hours = -int(re.sub(r"\D", "", name))
    assert offsets(name) == [timedelta(hours=hours), timedelta(hours=hours + 1)]


def test_a_successor_that_vanished_as_well_is_followed() -> None:
    tzdb = with_successors({"Old/One": "Old/Two", "Old/Two": "Old/Three", "Old/Three": "UTC"})
    assert tzdb.vanished == dict.fromkeys(("Old/One", "Old/Two", "Old/Three"), "UTC")
    assert tzdb.load("Old/One").key == "UTC"


@pytest.mark.parametrize(
    "successors",
    [{"Old/One": "Old/Two"}, {"Old/One": "Old/Two", "Old/Two": "Old/One"}, {"Old/One": "Old/One"}],
)
def test_a_name_that_leads_nowhere_is_not_served(successors: Mapping[str, str]) -> None:
    tzdb = with_successors(successors)
    assert not tzdb.vanished
    with pytest.raises(UnknownTimezone):
        tzdb.load("Old/One")
