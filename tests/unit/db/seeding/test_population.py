"""Who is invented: ages, days, zones and names as promised, and always the same people."""

import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from heyday.db.seeding.population import COLUMNS, Population
from heyday.domain.people import parse_person
from heyday.domain.tzdb import PINNED

NOW = datetime(2027, 1, 14, 12, tzinfo=UTC)
MANY = 60_000


@dataclass(frozen=True)
class Person:
    id: UUID
    email: str
    first_name: str
    last_name: str
    timezone: str
    location_city: str
    birthday_date: date
    anniversary_date: date | None
    instants: frozenset[datetime]


def fields(rows: bytes) -> Iterator[list[bytes | None]]:
    """Take rows apart as PostgreSQL does."""
    at = 0
    while at < len(rows):
        (count,) = struct.unpack_from(">h", rows, at)
        at += 2
        row: list[bytes | None] = []
        for _ in range(count):
            (length,) = struct.unpack_from(">i", rows, at)
            at += 4
            row.append(rows[at : at + length] if length >= 0 else None)
            at += max(length, 0)
        yield row


def people(seed: int, count: int, now: datetime = NOW) -> list[Person]:
    return [person(row) for _, rows in Population(seed, now).chunks(count) for row in fields(rows)]


def person(row: list[bytes | None]) -> Person:
    given = dict(zip(COLUMNS, row, strict=True))
    text = {name: (given[name] or b"").decode() for name in COLUMNS[1:6]}
    birthday = day(given["birthday_date"])
    assert birthday is not None
    return Person(
        id=UUID(bytes=given["id"]),
        **text,
        birthday_date=birthday,
        anniversary_date=day(given["anniversary_date"]),
        instants=frozenset(instant(given[name]) for name in COLUMNS[8:]),
    )


def day(field: bytes | None) -> date | None:
    return None if field is None else date(2000, 1, 1) + timedelta(*struct.unpack(">i", field))


def instant(field: bytes | None) -> datetime:
    (microseconds,) = struct.unpack(">q", field or b"")
    return datetime(2000, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)


@pytest.fixture(scope="module")
def population() -> list[Person]:
    return people(1, MANY)


def test_there_are_as_many_as_asked_for(population: list[Person]):
    assert len(population) == MANY
    assert len(people(1, 1)) == 1
    assert sum(size for size, _ in Population(1, NOW).chunks(12_345)) == 12_345


def test_one_seed_number_gives_the_same_people_and_another_others():
    assert people(7, 6_000) == people(7, 6_000)
    assert people(7, 3_000) == people(7, 6_000)[:3_000]
    assert {p.id for p in people(7, 100)}.isdisjoint(p.id for p in people(8, 100))
    assert {p.email for p in people(7, 100)}.isdisjoint(p.email for p in people(8, 100))


def test_each_is_a_person_whom_heyday_would_take(population: list[Person]):
    for p in population[:2_000]:
        draft = parse_person(
            {
                "first_name": p.first_name,
                "last_name": p.last_name,
                "email": p.email,
                "timezone": p.timezone,
                "birthday_date": p.birthday_date.isoformat(),
                "location_city": p.location_city,
            },
            NOW,
        )
        assert draft.email == p.email
    assert {p.timezone for p in population} <= PINNED.names


def test_ids_ascend_are_valid_and_within_the_bounds_of_their_seed(population: list[Person]):
    ids = [p.id for p in population]
    assert ids == sorted(set(ids))
    assert {i.version for i in ids} == {8}
    assert {i.variant for i in ids} == {"specified in RFC 4122"}
    first, last = Population(1, NOW).first_and_last_id
    assert first < ids[0] < ids[-1] < last < Population(2, NOW).first_and_last_id[0]


def test_addresses_are_unique_and_at_the_domain_for_examples(population: list[Person]):
    emails = [p.email for p in population]
    assert len(set(emails)) == MANY
    assert emails == sorted(emails)
    assert all(email.endswith("@example.com") for email in emails)


def test_ages_run_from_18_to_70(population: list[Person]):
    born = [p.birthday_date for p in population]
    assert min(born) >= date(1956, 1, 15)
    assert max(born) <= date(2009, 1, 14)
    years = Counter(on.year for on in born)
    assert set(years) >= set(range(1957, 2009))


def test_days_of_birth_follow_the_real_ones(population: list[Person]):
    """September is the fullest month; 29 February has a quarter of its neighbour's births."""
    months = Counter(p.birthday_date.month for p in population)
    days = Counter((p.birthday_date.month, p.birthday_date.day) for p in population)
    assert len(days) == 366
    assert months[9] > months[2] * 1.1
    assert 0.12 < days[2, 29] / days[2, 28] < 0.4
    assert days[12, 25] < days[12, 22] * 0.9


def test_two_in_three_have_an_anniversary_of_at_most_40_years_and_none_as_a_child(
    population: list[Person],
):
    served = [p for p in population if p.anniversary_date]
    assert 0.65 < len(served) / MANY < 0.68
    for p in served:
        assert p.anniversary_date
        assert date(1987, 1, 14) <= p.anniversary_date <= date(2027, 1, 14)
        assert (p.anniversary_date - p.birthday_date).days >= 18 * 365


def test_zones_follow_the_real_population(population: list[Person]):
    zones = Counter(p.timezone for p in population)
    assert zones.most_common(2)[0][0] == "Asia/Shanghai"
    assert zones.most_common(2)[1][0] == "Asia/Kolkata"
    assert len(zones) > 250
    (city,) = {p.location_city for p in population if p.timezone == "America/Sao_Paulo"}
    assert city == "Sao Paulo"


def test_names_fit_the_zone(population: list[Person]):
    tokyo = {(p.first_name, p.last_name) for p in population if p.timezone == "Asia/Tokyo"}
    assert tokyo == {("葵", "佐藤"), ("葵", "高橋"), ("健太", "佐藤"), ("健太", "高橋")}


def test_they_were_created_at_the_moment_of_asking(population: list[Person]):
    assert {p.instants for p in population} == {frozenset({NOW})}


def test_a_leap_day_as_today():
    now = datetime(2028, 2, 29, tzinfo=UTC)
    assert max(p.birthday_date for p in people(1, 5_000, now)) <= date(2010, 2, 28)
