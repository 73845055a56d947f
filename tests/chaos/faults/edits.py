"""Delete people, unsubscribe them, move them, about when their greeting is claimed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
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


async def _race(world: World) -> None:
    """Bring people in who are due at once, and edit each at a random moment of the next."""
    made = world.feed.maker.late_joiners(_SET, clock.now())
    chosen = [_choose(world, person, expected) for person, (expected,) in made]
    people = [(person, [expected]) for (person, _), (_, expected) in zip(made, chosen, strict=True)]
    await world.feed.add(people)
    numbers = await world.witness.map_people()
    await asyncio.gather(
        *(
            _edit_soon(world, numbers[person.email], edit)
            for (person, _), (edit, _) in zip(people, chosen, strict=True)
        )
    )


def _choose(world: World, person: Person, expected: Expected) -> tuple[Edit, Expected]:
    """Return an edit, and what a person is to get if it may be made."""
    users, atlas, at = world.feed.users, world.place.atlas, clock.now()
    unsure = replace(expected, is_sure=False)
    same_day = [
        name
        for name in atlas.where_nine_has_passed(at)
        if atlas.local(name, at).date() == expected.delivery_on and name != person.timezone
    ]
    still_to_come = [
        name
        for name in atlas.where_nine_is_to_come(at)
        if atlas.local(name, at).date() == expected.delivery_on
    ]
    moved: Mapping[str, object] = {"timezone": world.chance.choice(same_day)}
    away: Mapping[str, object] = {"timezone": world.chance.choice(still_to_come or same_day)}
    later = {"birthday_date": _a_month_later(person)}
    choices: list[tuple[Edit, Expected]] = [
        (users.delete, unsure),
        (users.unsubscribe, unsure),
        (partial(users.patch, fields=moved), expected),
        (partial(users.patch, fields=away), unsure if still_to_come else expected),
        (partial(users.patch, fields=later), unsure),
    ]
    return world.chance.choice(choices)


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
    short=500,
    inject=_race,
    per_turn=_SET,
    at_once=2,
    setup=Setup(workers=2, is_fed=False, provider=Behaviour(latency=0.005)),
    is_clear=True,
)
