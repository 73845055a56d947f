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
from tests.chaos.world import Setup, World

_SET = 50
_ABOUT = 0.35

Edit = Callable[[UUID], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Zones:
    """Hold zones where nine o'clock has passed today, and zones where it is to come."""

    passed: Sequence[str]
    to_come: Sequence[str]


async def _race(world: World) -> None:
    """Bring people in who are due at once, and edit each at a random moment of the next."""
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
    users, chance = world.feed.users, world.chance
    unsure = replace(expected, is_sure=False)
    here = chance.choice([n for n in zones.passed if dates[n] == expected.delivery_on])
    elsewhere = [n for n in zones.to_come if dates[n] == expected.delivery_on]
    choices: list[tuple[Edit, Expected]] = [
        (users.delete, unsure),
        (users.unsubscribe, unsure),
        (partial(users.patch, fields={"timezone": here}), expected),
        (partial(users.patch, fields={"birthday_date": _a_month_later(person)}), unsure),
    ]
    if elsewhere:
        moved = {"timezone": chance.choice(elsewhere)}
        choices.append((partial(users.patch, fields=moved), unsure))
    return chance.choice(choices)


def _a_month_later(person: Person) -> str:
    assert person.birthday_on is not None
    return (person.birthday_on + timedelta(days=30)).isoformat()


async def _edit_soon(world: World, user_id: UUID, edit: Edit) -> None:
    await pause(world.chance.uniform(0.0, _ABOUT))
    try:
        await edit(user_id)
    except DatabaseUnavailable as error:
        world.problems.append(f"an edit failed: {error}")


RACE = Fault(
    "edit",
    "delete, unsubscribe, zone or date changed, racing the claim",
    times=10_000,
    short=300,
    inject=_race,
    per_turn=_SET,
    at_once=2,
    setup=Setup(workers=2, is_fed=False, provider=Behaviour(latency=0.005)),
    is_clear=True,
)
