"""Write files of invented people as a company exports them, for benchmarks of the import."""

import csv
import random
from datetime import date, timedelta
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from heyday.data import data_file
from heyday.db.seeding.people import sample_people

COLUMNS = (
    "first_name",
    "last_name",
    "email",
    "timezone",
    "birthday_date",
    "anniversary_date",
    "location_city",
    "location_country",
)
_DOMAINS = 200
_FIRST_BORN_ON, _DAYS_OF_BIRTH = date(1956, 1, 1), 50 * 365
_FIRST_HIRED_ON, _DAYS_OF_HIRING = date(1990, 1, 1), 35 * 365
_HAVE_ANNIVERSARY = 2 / 3
# Of rows with a mistake, what is wrong with them: a column, and what stands there.
_MISTAKES = ((3, "Europe/Brelin"), (2, "no address"), (4, "1985-02-30"), (0, ""))


class PeopleFiles(NamedTuple):
    """Say where a file is, where the same people are without the wrong rows, and how many."""

    given: Path
    right: Path
    rows: int
    wrong: int


def write_people(folder: Path, rows: int, wrong_share: float, seed: int = 1) -> PeopleFiles:
    """Write `rows` people with addresses in no order, of which a share has one mistake each."""
    chance = random.Random(seed)  # noqa: S311 - people are invented, not secret
    files = PeopleFiles(
        folder / "people.csv", folder / "right.csv", rows, round(rows * wrong_share)
    )
    wrong = set(chance.sample(range(rows), files.wrong))
    people = _People(chance)
    with files.given.open("w", newline="") as given, files.right.open("w", newline="") as right:
        to_given, to_right = csv.writer(given), csv.writer(right)
        to_given.writerow(COLUMNS)
        for number in range(rows):
            person = people.invent(number)
            if number in wrong:
                column, text = chance.choice(_MISTAKES)
                person[column] = text
            else:
                to_right.writerow(person)
            to_given.writerow(person)
    return files


class _People:
    """Invent people: names of many scripts, zones as people are spread, days over the year."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        samples = sample_people()
        self._first_names = [person.first_name for person in samples]
        self._last_names = [person.last_name for person in samples]
        self._mailboxes = [person.mailbox for person in samples]
        with data_file("zone-population.csv").open(encoding="utf-8") as file:
            table = [(row["timezone"], int(row["population"])) for row in csv.DictReader(file)]
        self._zones = [zone for zone, _ in table]
        self._weights = list(accumulate(people for _, people in table))

    def invent(self, number: int) -> list[str]:
        chance = self._chance
        (zone,) = chance.choices(self._zones, cum_weights=self._weights)
        born_on = _FIRST_BORN_ON + timedelta(days=int(chance.random() * _DAYS_OF_BIRTH))
        hired_on = _FIRST_HIRED_ON + timedelta(days=int(chance.random() * _DAYS_OF_HIRING))
        domain = int(chance.random() * _DOMAINS)
        return [
            chance.choice(self._first_names),
            chance.choice(self._last_names),
            f"{chance.choice(self._mailboxes)}.{number}@example-{domain}.com",
            zone,
            born_on.isoformat(),
            hired_on.isoformat() if chance.random() < _HAVE_ANNIVERSARY else "",
            zone.rpartition("/")[2].replace("_", " "),
            zone.partition("/")[0],
        ]
