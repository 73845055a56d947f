"""Set the clock of the machine wrong, and right again, while greetings are about to leave."""

from datetime import datetime, timedelta
from itertools import cycle

from tests.chaos import clock
from tests.chaos.fault import Fault
from tests.chaos.provider import Behaviour
from tests.chaos.waiting import pause, wait_until
from tests.chaos.world import Setup, World

_HOUR = timedelta(hours=1)
_JUMPS = {"+1 h": _HOUR, "-1 h": -_HOUR, "+1 day": 24 * _HOUR}
_WHOSE = {"Heyday's": False, "Heyday's and PostgreSQL's": True}
# Time for processes to start and people to be imported; then both kinds of greetings are due.
_SOON = timedelta(seconds=20)
_LATER = timedelta(seconds=35)
_EACH = 30
_TURNS = cycle([(jump, whose) for jump in _JUMPS for whose in _WHOSE])


def _send_times() -> dict[str, str]:
    """Have birthdays leave in seconds, and anniversaries a little later, well within a jump."""
    noon = clock.now().replace(hour=12)  # far from midnight, wherever it is
    soon, later = noon + _SOON, noon + _LATER
    return {"SEND_TIME": f"{soon:%H:%M:%S}", "HEYDAY_ANNIVERSARY_SEND_TIME": f"{later:%H:%M:%S}"}


async def _jump(world: World) -> None:
    jump, whose = next(_TURNS)
    world.notes[f"{jump}, {whose} clock"] += 1
    birthdays = world.due_soon("SEND_TIME", _SOON)
    anniversaries = world.due_soon("HEYDAY_ANNIVERSARY_SEND_TIME", _LATER)
    make = world.feed.maker
    people = [make.born_on(world.chance.choice(birthdays)) for _ in range(_EACH)]
    people += [make.joined_on(world.chance.choice(anniversaries)) for _ in range(_EACH)]
    await world.import_file(people)
    await world.until_all_started()
    await pause((birthdays[0].at - clock.now()).total_seconds() + world.chance.uniform(-3.0, 1.0))
    world.place.ground.shift(_JUMPS[jump], with_server=_WHOSE[whose])
    await pause(world.chance.uniform(2.0, 5.0))
    world.place.ground.shift(timedelta(), with_server=True)
    await _until(anniversaries[0].at)


async def _until(at: datetime) -> None:
    async def look() -> bool:
        return clock.now() >= at

    await wait_until(look, 60, "the last instant")


JUMP = Fault(
    "clock",
    "clock of the machine +1 h, -1 h, +1 day, and back",
    times=30,
    short=6,
    inject=_jump,
    at_once=6,
    is_each_alone=True,
    setup=Setup(
        workers=2,
        is_fed=False,
        is_faked=True,
        provider=Behaviour(latency=0.1),
        settings=_send_times,
    ),
)
