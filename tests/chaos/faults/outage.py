"""Have everything down for a day, with people whose moments lie all over it."""

from datetime import timedelta
from itertools import cycle

from tests.acceptance.oracle import NINE
from tests.chaos import clock
from tests.chaos.fault import Fault
from tests.chaos.provider import Behaviour
from tests.chaos.world import Setup, World

_DAY = timedelta(hours=24)
# What is later than a day is not sent any more; the run itself takes its time.
_MARGIN = timedelta(minutes=15)
_LONG_AGO = timedelta(days=30)
_TURNS = cycle(["planned before", "planner down as well"])
_STORE = """
INSERT INTO users (first_name, last_name, email, timezone, birthday_date, anniversary_date,
                   created_at, updated_at, eligible_since)
SELECT p.*, $7, $7, $7
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::date[], $6::date[]) AS p
"""


async def _be_away(world: World) -> None:
    turn = next(_TURNS)
    world.notes[turn] += 1
    now = clock.now()
    due = world.place.atlas.due_between(NINE, now - _DAY + _MARGIN, now - _MARGIN)
    make = world.feed.maker
    people = [make.born_on(d) for d in due] + [make.joined_on(d) for d in due]
    columns = zip(*(person.stored for person, _ in people), strict=True)
    await world.witness.fetch(_STORE, *map(list, columns), now - _LONG_AGO)
    for _, expected in people:
        world.feed.expected += expected
    if turn == "planned before":
        at = (now - _DAY).isoformat()
        planning = await world.start("jobs", "run", "daily", "--at", at)
        if status := await planning.until_ended():
            world.problems.append(f"{planning.name} ended with status {status}")
    for role in ("worker", "worker", "scheduler", "scheduler"):
        world.keep(role)


AWAY = Fault(
    "outage",
    "everything down for 24 h",
    times=5,
    short=2,
    inject=_be_away,
    is_each_alone=True,
    is_clear=True,
    setup=Setup(
        workers=0,
        schedulers=0,
        is_fed=False,
        provider=Behaviour(latency=0.0),
        settings=lambda: {"HEYDAY_BATCH_SIZE": "50", "HEYDAY_CONCURRENCY": "8"},
    ),
)
