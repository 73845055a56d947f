"""Invent people without end, as rows for PostgreSQL's binary COPY.

Days of birth follow births-by-day.csv, zones follow zone-population.csv (data/README.md). All that
repeats is made once, as bytes, so that a person costs two or three microseconds.
"""

import csv
import random
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from struct import Struct
from typing import NamedTuple
from uuid import UUID

from heyday.data import data_file
from heyday.db.seeding.people import sample_people

COLUMNS = (
    "id",
    "email",
    "first_name",
    "last_name",
    "timezone",
    "location_city",
    "birthday_date",
    "anniversary_date",
    "created_at",
    "updated_at",
    "eligible_since",
)
YOUNGEST, OLDEST = 18, 70
LONGEST_SERVICE = 40
LARGEST_SEED = 0xFFFF

_HAVE_ANNIVERSARY = 2 / 3
_CHUNK = 5_000
_COMMON_LANGUAGE = "en"
# births-by-day.csv sums the years 2000 to 2014, of which four had a 29 February.
_YEARS_OF_BIRTHS, _LEAP_YEARS_OF_BIRTHS = 15, 4
# PostgreSQL counts dates and instants from here.
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_LENGTH, _DAY, _INSTANT = Struct(">i"), Struct(">ii"), Struct(">iq")
# The number of fields, then the length and the two halves of the id.
_HEAD = Struct(">hiQQ")
_NULL = _LENGTH.pack(-1)
# UUIDs of version 8 (RFC 9562): the free bits begin with the seed and the number of the person.
# People so come in the order of their ids, and the index over ids grows at one end.
_VERSION, _VARIANT = 8 << 12, 2 << 62


class Population:
    """Invent the people of one seed number: the same ones each time, if asked on the same day.

    seed: 0 to LARGEST_SEED.   now: people are YOUNGEST to OLDEST years old at this instant, and
    created at it.   births: how many come into the world on each month and day, where it is not
    `births_by_day()` that is wanted.
    """

    def __init__(
        self, seed: int, now: datetime, births: Mapping[tuple[int, int], float] | None = None
    ) -> None:
        self._seed = seed
        self._zones, self._zone_weights = _load_zones()
        calendar = _Calendar(now.astimezone(UTC).date())
        self._births, self._birth_weights = calendar.births(births or births_by_day())
        stamps = _INSTANT.pack(8, (now - _EPOCH) // timedelta(microseconds=1)) * 3
        self._served = [_date(on) + stamps for on in calendar.service_days]
        self._never_served = _NULL + stamps
        address = f"person{seed}-%09d@example.com".encode()
        self._address = _LENGTH.pack(len(address % 0)) + address

    @property
    def first_and_last_id(self) -> tuple[UUID, UUID]:
        """Return the bounds of what ids these people can have."""
        return UUID(int=self._seed << 112), UUID(int=((self._seed + 1) << 112) - 1)

    def chunks(self, count: int) -> Iterator[tuple[int, bytes]]:
        """Yield the first `count` people in chunks: how many, and their rows."""
        chance = random.Random(self._seed)  # noqa: S311 - people are invented, not secret
        for start in range(0, count, _CHUNK):
            size = min(_CHUNK, count - start)
            yield size, b"".join(self._fields(chance, start, size))

    def _fields(self, chance: random.Random, start: int, size: int) -> Iterator[bytes]:
        served, address, draw = self._served, self._address, chance.random
        # A chunk is always drawn whole: the first people do not depend on how many follow.
        people = zip(
            range(start, start + size),
            chance.choices(self._zones, cum_weights=self._zone_weights, k=_CHUNK),
            chance.choices(self._births, cum_weights=self._birth_weights, k=_CHUNK),
            strict=False,
        )
        for number, (zone, names), (birth, served_from) in people:
            high = self._seed << 48 | number << 16 | _VERSION
            yield _HEAD.pack(len(COLUMNS), 16, high, _VARIANT | chance.getrandbits(62))
            yield address % number
            yield names[int(draw() * len(names))]
            yield zone
            yield birth
            if draw() < _HAVE_ANNIVERSARY:
                yield served[served_from + int(draw() * (len(served) - served_from))]
            else:
                yield self._never_served


def births_by_day() -> dict[tuple[int, int], float]:
    """Return how many were born on each month and day, over the years of births-by-day.csv."""
    return {(int(r["month"]), int(r["day"])): int(r["births"]) for r in _read("births-by-day")}


class _Zone(NamedTuple):
    """Hold the fields of a zone, and the names that its people may have."""

    fields: bytes
    names: tuple[bytes, ...]


class _Birth(NamedTuple):
    """Hold a day of birth, and where the days of service begin on which one was grown up."""

    field: bytes
    served_from: int


class _Calendar:
    """Know on which days people may be born, and serve their first day."""

    def __init__(self, today: date) -> None:
        self.service_days = list(_days(_years_after(today, -LONGEST_SERVICE), today))
        eldest = _years_after(today, -OLDEST - 1) + timedelta(days=1)
        self._birthdays = list(_days(eldest, _years_after(today, -YOUNGEST)))

    def births(
        self, births_on: Mapping[tuple[int, int], float]
    ) -> tuple[list[_Birth], list[float]]:
        """Return the days of birth with their cumulative weights."""
        weights = accumulate(
            births_on[on.month, on.day] / _years_with(on) for on in self._birthdays
        )
        return [_Birth(_date(on), self._served_from(on)) for on in self._birthdays], list(weights)

    def _served_from(self, birthday: date) -> int:
        return max(0, (_years_after(birthday, YOUNGEST) - self.service_days[0]).days)


def _load_zones() -> tuple[list[_Zone], list[int]]:
    """Return the zones with their cumulative populations."""
    language_of = {person.timezone: person.language for person in reversed(sample_people())}
    names = {language: _names(language) for language in language_of.values()}
    zones, weights = [], []
    for row in _read("zone-population"):
        zone = row["timezone"]
        city = zone.rpartition("/")[2].replace("_", " ")
        language = language_of.get(zone, _COMMON_LANGUAGE)
        zones.append(_Zone(_text(zone) + _text(city), names[language]))
        weights.append(int(row["population"]))
    return zones, list(accumulate(weights))


def _names(language: str) -> tuple[bytes, ...]:
    """Return each first name of the sample people of a language with each last name."""
    people = [person for person in sample_people() if person.language == language]
    return tuple(
        _text(first.first_name) + _text(last.last_name) for first in people for last in people
    )


def _read(name: str) -> list[dict[str, str]]:
    with data_file(f"{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _days(first: date, last: date) -> Iterator[date]:
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        yield date.fromordinal(ordinal)


def _years_after(on: date, years: int) -> date:
    """Return the same day in another year, 28 for 29 February where there is none."""
    try:
        return on.replace(year=on.year + years)
    except ValueError:
        return on.replace(year=on.year + years, day=28)


def _years_with(on: date) -> int:
    """Return in how many of the years of births-by-day.csv this day of the year came."""
    return _LEAP_YEARS_OF_BIRTHS if (on.month, on.day) == (2, 29) else _YEARS_OF_BIRTHS


def _text(value: str) -> bytes:
    encoded = value.encode()
    return _LENGTH.pack(len(encoded)) + encoded


def _date(on: date) -> bytes:
    return _DAY.pack(4, (on - _EPOCH.date()).days)
