"""Have everything down for a day, with people whose moments lie all over it."""

from datetime import timedelta
from itertools import cycle

from tests.acceptance.oracle import NINE
from tests.chaos import clock
from tests.chaos.fault import Fault
from tests.chaos.provider import Behaviour
from tests.chaos.world import PATIENT, Setup, World

_DAY = timedelta(hours=24)
# What is later than a day is not sent any more; the run itself takes its time.
_MARGIN = timedelta(minutes=15)
_LONG_AGO = timedelta(days=30)
_TURNS = cycle(["planned before", "planner down as well"])


async def _be_away(world: World) -> None:
    turn = next(_TURNS)
    world.notes[turn] += 1
    now = clock.now()
    due = world.place.atlas.due_between(NINE, now - _DAY + _MARGIN, now - _MARGIN)
    make = world.feed.maker
    people = [make.born_on(d) for d in due] + [make.joined_on(d) for d in due]
    await world.feed.add_by_sql(people, now - _LONG_AGO)
    if turn == "planned before":
        at = (now - _DAY).isoformat()
        planning = await world.start("jobs", "run", "daily", "--at", at)
        if status := await planning.until_ended():
            world.problems.append(f"{planning.name} ended with status {status}")
    for role in ("worker", "worker", "scheduler", "scheduler"):
        world.keep(role)


async def _find_unflagged(world: World) -> list[str]:
    late, sent = world.books.get("late"), len(world.feed.expected)
    return [] if late == sent else [f"{late} are flagged late of {sent} that were"]


AWAY = Fault(
    "outage",
    "everything down for 24 h",
    times=5,
    short=2,
    inject=_be_away,
    is_each_alone=True,
    review=_find_unflagged,
    is_clear=True,
    setup=Setup(
        workers=0,
        schedulers=0,
        is_fed=False,
        provider=Behaviour(latency=0.0),
        settings=lambda: {**PATIENT, "HEYDAY_BATCH_SIZE": "50", "HEYDAY_CONCURRENCY": "8"},
    ),
)
