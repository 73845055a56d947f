"""Read the hundred sample people: invented, with names in many scripts."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class SamplePerson:
    """Describe a sample person. language: whose first and last names go together."""

    language: str
    first_name: str
    last_name: str
    mailbox: str
    timezone: str
    location_city: str
    location_country: str
    birthday_date: date
    anniversary_date: date | None

    @property
    def email(self) -> str:
        """Return an address of the domain that is reserved for examples (RFC 2606)."""
        return f"{self.mailbox}@example.com"


@cache
def sample_people() -> tuple[SamplePerson, ...]:
    """Return all of people.csv."""
    return tuple(_read())


def _read() -> Iterator[SamplePerson]:
    with files("heyday.db.seeding").joinpath("people.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            anniversary = row.pop("anniversary_date")
            birthday = row.pop("birthday_date")
            yield SamplePerson(
                **row,
                birthday_date=date.fromisoformat(birthday),
                anniversary_date=date.fromisoformat(anniversary) if anniversary else None,
            )
