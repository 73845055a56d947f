"""Say how many greetings fall due in each second round the world, by real data (data/README.md).

Zones follow zone-population.csv, and their nine o'clock is what Heyday computes.
"""

import csv
from collections import Counter
from datetime import UTC, date, datetime
from typing import NamedTuple

from benchmarks.scale_model import Crowd
from heyday.data import data_file
from heyday.domain.timezone import TimezoneService

NEW_YEAR = date(2027, 1, 1)
DAYS_A_YEAR = 365.2425
HAVE_ANNIVERSARY = 2 / 3
"""Of the people, as the seeder invents them."""
DEFAULTED, BEGAN = 0.02, 0.10
"""Assumed: people whose unknown birthday became 1 January; anniversaries that are on it."""
WORST_DEFAULTED = 0.14
"""Refugees to the USA in 2009 for whom 1 January was entered (NPR, of immigration data)."""


class Kind(NamedTuple):
    """Name a kind of day. share: greetings a person.   basis: where that comes from."""

    name: str
    share: float
    basis: str


def kinds() -> list[Kind]:
    """Return the days that are looked at, the quietest first."""
    born = _births_on(1, 1)
    worst = _most_anniversaries()
    return [
        Kind(
            "a day like any other",
            (1 + HAVE_ANNIVERSARY) / DAYS_A_YEAR,
            "each day of the year alike; two of three have an anniversary",
        ),
        Kind(
            "1 January, as people are born",
            born + HAVE_ANNIVERSARY / DAYS_A_YEAR,
            f"{born:.2%} of all births (`data/births-by-day.csv`); anniversaries as on any day",
        ),
        Kind(
            "1 January, as lists have it",
            DEFAULTED + (1 - DEFAULTED) * born + HAVE_ANNIVERSARY * BEGAN,
            f"assumed: {DEFAULTED:.0%} have it for an unknown birthday, {BEGAN:.0%} of "
            "anniversaries are on it",
        ),
        Kind(
            "1 January, the worst lists",
            WORST_DEFAULTED + (1 - WORST_DEFAULTED) * born + HAVE_ANNIVERSARY * worst,
            f"{WORST_DEFAULTED:.0%} have it for an unknown birthday (refugees to the USA, 2009: "
            f"NPR); {worst:.0%} of anniversaries are on one day (`data/people-us-congress.csv`)",
        ),
    ]


def crowds(people: int, share: float, on: date = NEW_YEAR) -> list[Crowd]:
    """Return what is due in each second on a local date; seconds count from its midnight in UTC."""
    rows = _read("zone-population")
    everybody = sum(int(row["population"]) for row in rows)
    midnight = datetime(on.year, on.month, on.day, tzinfo=UTC)
    timezones = TimezoneService()
    due: Counter[int] = Counter()
    for row in rows:
        at = timezones.send_at(row["timezone"], on)
        due[round((at - midnight).total_seconds())] += int(row["population"])
    return [Crowd(at, people * share * living / everybody) for at, living in sorted(due.items())]


def _births_on(month: int, day: int) -> float:
    births = {(int(r["month"]), int(r["day"])): int(r["births"]) for r in _read("births-by-day")}
    return births[month, day] / sum(births.values())


def _most_anniversaries() -> float:
    """Return the share of the fullest day among the real first days at work."""
    days = Counter(row["anniversary_date"][5:] for row in _read("people-us-congress"))
    return days.most_common(1)[0][1] / days.total()


def _read(name: str) -> list[dict[str, str]]:
    with data_file(f"{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))
