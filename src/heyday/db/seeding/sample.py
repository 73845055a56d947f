"""Add a hundred people in many zones, with greetings in every status."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import NAMESPACE_URL, UUID, uuid5

from heyday.db import partitions, queries
from heyday.db.seeding.history import SCENES, Greeting, Row, Scene, delivery_on, tell
from heyday.db.seeding.people import SamplePerson, sample_people
from heyday.db.types import AnyConnection
from heyday.domain.message_types import BIRTHDAY
from heyday.domain.timezone import TimezoneService, Window
from heyday.domain.tzdb import PINNED

_SQL = queries.load("seeding")

# Every third person has a greeting; of the others some have their day today, or have left.
_WITH_GREETING = slice(0, None, 3)
_TODAY = slice(7, None, 30)
_UNSUBSCRIBED = slice(4, None, 30)
_DELETED = slice(8, None, 30)
_CAME = timedelta(days=90)
_LEFT = timedelta(days=20)
# A person leaves between the planning of the greeting and its time.
_LEFT_AHEAD = timedelta(hours=5)


@dataclass(frozen=True, slots=True)
class SampleReport:
    """Count what was added, greetings by status, and the people who were there already."""

    added: int
    present: int
    messages: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Part:
    """Cast a person: their dates, when they left and how, and the greeting they have."""

    person: SamplePerson
    scene: Scene | None = None
    greeting: Greeting | None = None
    left: tuple[str, datetime] | None = None

    @property
    def user_id(self) -> UUID:
        return _user_id(self.person)


async def add_sample(
    connection: AnyConnection, timezones: Mapping[str, TimezoneService], now: datetime
) -> SampleReport:
    """Add the sample people who are not there, and their greetings, in one transaction.

    Who is there, or was and is deleted, stays untouched, and so does whoever has the address.
    """
    parts = list(_cast(timezones, now))
    instants = [part.greeting.send_at for part in parts if part.greeting]
    async with connection.transaction():
        await partitions.ensure(connection, Window(min(instants), max(instants)))
        people = [_person_row(part, now) for part in parts]
        added = await connection.fetch(_SQL["add_people"].text, _json(people))
        new = {row["id"] for row in added}
        stories = [
            tell(part.scene, part.greeting, PINNED.version)
            for part in parts
            if part.scene and part.greeting and part.user_id in new
        ]
        messages = [message for message, _ in stories]
        attempts = [attempt for _, attempts in stories for attempt in attempts]
        await connection.execute(_SQL["add_messages"].text, _json(messages))
        await connection.execute(_SQL["add_attempts"].text, _json(attempts))
        await connection.execute(_SQL["add_letters"].text, _json(messages))
    statuses = Counter(str(message["status"]) for message in messages)
    return SampleReport(len(new), len(parts) - len(new), statuses)


def _cast(timezones: Mapping[str, TimezoneService], now: datetime) -> Iterator[_Part]:
    people = dict.fromkeys(sample_people())
    for person, scene in zip(sample_people()[_WITH_GREETING], SCENES, strict=True):
        del people[person]
        yield _with_greeting(person, scene, timezones[scene.message_type.name], now)
    for person in sample_people()[_TODAY]:
        del people[person]
        today = now.astimezone(PINNED.load(person.timezone)).date()
        yield _Part(replace(person, birthday_date=_in_year(today, person.birthday_date.year)))
    for chosen, column in ((_UNSUBSCRIBED, "unsubscribed_at"), (_DELETED, "deleted_at")):
        for person in sample_people()[chosen]:
            del people[person]
            yield _Part(person, left=(column, now - _LEFT))
    for person in people:
        yield _Part(person)


def _with_greeting(
    person: SamplePerson, scene: Scene, timezones: TimezoneService, now: datetime
) -> _Part:
    """Give a person the date on which the scene's greeting belongs."""
    on = delivery_on(scene, person.timezone, timezones, now)
    if scene.message_type is BIRTHDAY:
        occasion = _in_year(on, person.birthday_date.year)
        person = replace(person, birthday_date=occasion)
    else:
        began = person.anniversary_date.year if person.anniversary_date else on.year
        occasion = _in_year(on, min(began, on.year - 1))
        person = replace(person, anniversary_date=occasion)
    greeting = Greeting(
        user_id=_user_id(person),
        first_name=person.first_name,
        last_name=person.last_name,
        email=person.email,
        timezone=person.timezone,
        message_type=scene.message_type,
        occasion_on=occasion,
        delivery_on=on,
        send_at=timezones.send_at(person.timezone, on),
    )
    left = (scene.left, greeting.send_at - _LEFT_AHEAD) if scene.left else None
    return _Part(person, scene, greeting, left)


def _in_year(on: date, year: int) -> date:
    """Return the same day in a year, or in the nearest leap year before."""
    if (on.month, on.day) == (2, 29):
        year -= year % 4
    return on.replace(year=year)


def _user_id(person: SamplePerson) -> UUID:
    return uuid5(NAMESPACE_URL, f"mailto:{person.email}")


def _person_row(part: _Part, now: datetime) -> Row:
    person = part.person
    row: dict[str, object] = {
        "id": part.user_id,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "email": person.email,
        "timezone": person.timezone,
        "birthday_date": person.birthday_date,
        "anniversary_date": person.anniversary_date,
        "location_city": person.location_city,
        "location_country": person.location_country,
        "locale": person.language,
        "created_at": now - _CAME,
        "updated_at": now,
        # What lay before this moment is not owed to them, except what is told in their scenes.
        "eligible_since": now,
    }
    return row | dict([part.left]) if part.left else row


def _json(rows: Sequence[Row]) -> str:
    return json.dumps(rows, default=str)
