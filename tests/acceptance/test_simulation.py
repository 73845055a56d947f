"""`heyday simulate`, as a stranger runs it: a slice of the year, and what breaks it."""

import csv
from pathlib import Path

import asyncpg
import pytest

from heyday.domain.tzdb import PINNED
from tests.acceptance.processes import run

SLICE = ("simulate", "--from", "2027-02-27", "--to", "2027-03-01")


async def databases(url: str) -> set[str]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("SELECT datname FROM pg_database")
        return {row["datname"] for row in rows if row["datname"].startswith("heyday_simulation")}
    finally:
        await connection.close()


async def test_every_zone_is_greeted_at_nine_and_nothing_is_left_behind(
    postgres_url: str, tmp_path: Path
) -> None:
    finished = run(*SLICE, "--json", cwd=tmp_path, DATABASE_URL=postgres_url)
    zones = len(PINNED.names)
    assert (finished.status, finished.json["broken"]) == (0, 0), finished.err
    assert finished.json["people"] == zones * 366
    assert finished.json["by_day"] == {
        "2027-02-27": zones,
        "2027-02-28": 2 * zones,
        "2027-03-01": zones,
    }
    assert (finished.json["earliest_s"], finished.json["latest_s"]) == (0, 0)
    assert await databases(postgres_url) == set()


def test_every_zone_is_greeted_at_seconds_of_a_spread(postgres_url: str, tmp_path: Path) -> None:
    settings = {"DATABASE_URL": postgres_url, "HEYDAY_SPREAD": "2h"}
    finished = run(*SLICE, "--json", cwd=tmp_path, **settings)
    assert (finished.status, finished.json["broken"]) == (0, 0), finished.err
    assert sum(finished.json["by_day"].values()) == 4 * len(PINNED.names)
    # After the own second; the promise itself is that they leave neither early nor late.
    assert (finished.json["earliest_s"], finished.json["latest_s"]) == (0, 0)


@pytest.fixture
def people(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    rows = [
        ["first_name", "last_name", "email", "timezone", "birthday_date", "anniversary_date"],
        ["Ada", "Lovelace", "ada@example.com", "Europe/London", "1988-02-29", ""],
        ["Bo", "Li", "bo@example.com", "Asia/Shanghai", "1990-02-27", "2020-02-28"],
        ["No", "Zone", "no@example.com", "Mars/Base", "1990-02-27", ""],
    ]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def test_a_file_of_people_shows_as_a_calendar(
    postgres_url: str, tmp_path: Path, people: Path
) -> None:
    finished = run(*SLICE, "--csv", str(people), cwd=tmp_path, DATABASE_URL=postgres_url)
    assert finished.status == 0, finished.err
    assert "2 people, 3 greetings sent, 0 skipped" in finished.out
    assert "No promise was broken." in finished.out
    lines = {line.split()[0]: line.split()[1:] for line in finished.out.splitlines() if line}
    assert (lines["27"], lines["28"], lines["sum"]) == (["1"], ["2"], ["3"])
    assert "1 rows are no people" in finished.err
    assert not people.with_suffix(".rejected.csv").exists()


def test_seeded_people_and_an_outage(postgres_url: str, tmp_path: Path) -> None:
    words = ("--users", "2000", "--outage", "2027-02-27T06:00:00Z/36h", "--json")
    finished = run(*SLICE, *words, cwd=tmp_path, DATABASE_URL=postgres_url)
    found = finished.json
    assert (finished.status, found["people"], found["broken"]) == (0, 2000, 0), finished.err
    assert found["skipped"] > 0
    assert 3600 < found["latest_s"] <= 24 * 3600


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--from", "2027-02-30", "--to", "2027-03-01"], "--from"),
        (["--from", "2027-03-02", "--to", "2027-03-01"], "--to"),
        (["--outage", "tomorrow"], "--outage"),
        (["--outage", "2027-02-27T06:00:00/24h"], "--outage"),
        (["--outage", "2029-02-27T06:00:00Z/24h"], "--outage"),
        (["--tz-update", "2027-02-28"], "--tzdata-before"),
        (["--tzdata-before", "nothing.whl", "--tz-update", "2027-02-28"], "--tzdata-before"),
        (["--users", "3", "--csv", "people.csv"], "--users"),
    ],
)
def test_what_cannot_be_simulated_is_refused(tmp_path: Path, words: list[str], said: str) -> None:
    finished = run(*SLICE, *words, cwd=tmp_path, DATABASE_URL="postgresql://a@127.0.0.1:1/a")
    assert finished.status == 2
    assert said in finished.err
    assert "Traceback" not in finished.err


def test_help_names_the_promises(tmp_path: Path) -> None:
    assert "Exit status 1 if a promise was broken" in " ".join(
        run("simulate", "--help", cwd=tmp_path).out.split()
    )
