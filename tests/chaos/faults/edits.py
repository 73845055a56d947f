"""Delete people, unsubscribe them, move them, about when their greeting is claimed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from uuid import UUID

from heyday.domain.errors import DatabaseUnavailable
from tests.chaos import clock
from tests.chaos.fault import Fault
from tests.chaos.people import Expected, Person
from tests.chaos.provider import Behaviour
from tests.chaos.waiting import pause
from tests.chaos.world import PATIENT, Setup, World

_SET = 50
_BATCHES = 4
# As many edits for each doubling of the pause: some meet the claim, however long that takes.
_SOONEST, _LATEST = 0.05, 4.0
_BY_SQL = 0.5


Edit = Callable[[World, UUID], Awaitable[None]]
"""Edit a person through Heyday, or past it."""


@dataclass(frozen=True, slots=True)
class Zones:
    """Hold zones where nine o'clock has passed today, and zones where it is to come."""

    passed: Sequence[str]
    to_come: Sequence[str]


async def _race(world: World) -> None:
    """Bring people in who are due at once, and edit each at a random moment of the next."""
    # Whoever waits for a worker would be edited long before the claim.
    await world.witness.until_hungry(_BATCHES)
    at = clock.now()
    made = world.feed.maker.late_joiners(_SET, at)
    atlas = world.place.atlas
    zones = Zones(atlas.where_nine_has_passed(at), atlas.where_nine_is_to_come(at))
    dates = {zone: atlas.local(zone, at).date() for zone in (*zones.passed, *zones.to_come)}
    chosen = [_choose(world, person, expected, zones, dates) for person, (expected,) in made]
    people = [(person, [expected]) for (person, _), (_, expected) in zip(made, chosen, strict=True)]
    await world.feed.add(people)
    numbers = await world.witness.map_people([person.email for person, _ in people])
    await asyncio.gather(
        *(
            _edit_soon(world, numbers[person.email], edit)
            for (person, _), (edit, _) in zip(people, chosen, strict=True)
        )
    )


def _choose(
    world: World, person: Person, expected: Expected, zones: "Zones", dates: Mapping[str, date]
) -> tuple[Edit, Expected]:
    """Return an edit, and what a person is to get if it is made."""
    chance = world.chance
    unsure = replace(expected, is_sure=False)
    here = chance.choice([n for n in zones.passed if dates[n] == expected.delivery_on])
    elsewhere = [n for n in zones.to_come if dates[n] == expected.delivery_on]
    choices: list[tuple[Edit, Expected]] = [
        (_delete, unsure),
        (_unsubscribe, unsure),
        (partial(_change, field="timezone", value=here), expected),
        (partial(_change, field="birthday_date", value=_a_month_later(person)), unsure),
    ]
    if elsewhere:
        moved = partial(_change, field="timezone", value=chance.choice(elsewhere))
        choices.append((moved, unsure))
    return chance.choice(choices)


async def _delete(world: World, user_id: UUID) -> None:
    if world.chance.random() < _BY_SQL:
        await world.witness.fetch("UPDATE users SET deleted_at = now() WHERE id = $1", user_id)
    else:
        await world.feed.users.delete(user_id)


async def _unsubscribe(world: World, user_id: UUID) -> None:
    if world.chance.random() < _BY_SQL:
        query = "UPDATE users SET unsubscribed_at = now() WHERE id = $1"
        await world.witness.fetch(query, user_id)
    else:
        await world.feed.users.unsubscribe(user_id)


async def _change(world: World, user_id: UUID, *, field: str, value: str | date) -> None:
    if world.chance.random() < _BY_SQL:
        query = f"UPDATE users SET {field} = $2 WHERE id = $1"  # noqa: S608 - one of two names
        await world.witness.fetch(query, user_id, value)
    else:
        await world.feed.users.patch(user_id, {field: str(value)})


def _a_month_later(person: Person) -> date:
    assert person.birthday_on is not None
    return person.birthday_on + timedelta(days=30)


async def _edit_soon(world: World, user_id: UUID, edit: Edit) -> None:
    """Edit a person as the API does, or by plain SQL, as a company may."""
    await pause(_SOONEST * (_LATEST / _SOONEST) ** world.chance.random())
    try:
        await edit(world, user_id)
    except DatabaseUnavailable as error:
        world.problems.append(f"an edit failed: {error}")


async def _tell_moments(world: World) -> list[str]:
    world.notes.update(await world.witness.count_edits())
    return []


RACE = Fault(
    "edit",
    "delete, unsubscribe, zone or date changed, racing the claim",
    times=10_000,
    short=300,
    inject=_race,
    per_turn=_SET,
    at_once=3,
    setup=Setup(
        workers=2,
        is_fed=False,
        provider=Behaviour(latency=0.005),
        settings=lambda: {**PATIENT, "HEYDAY_BATCH_SIZE": "10", "HEYDAY_CONCURRENCY": "4"},
    ),
    review=_tell_moments,
    is_clear=True,
)
