"""Kill a process at a place in its code, by HEYDAY_FAILPOINTS."""

import signal
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from itertools import cycle

from tests.acceptance.oracle import NINE
from tests.chaos import clock
from tests.chaos.fault import Fault
from tests.chaos.world import PATIENT, Setup, World

_IN_WORKERS = (
    "claim.before_commit",
    "claim.after_commit",
    "call.before",
    "call.after_accepted",
    "record.before_commit",
    "record.after_commit",
    "ack.before",
)
_IN_SCHEDULERS = (
    "plan.before_commit",
    "plan.after_commit",
    "enqueue.before_commit",
    "enqueue.after_commit",
    "publish.before",
    "publish.after",
)
_REACHED_WITHIN = 10.0
_TRIES = 3
_HOUR = timedelta(hours=1)


def _kill_at(role: str, names: Sequence[str], latest: int) -> Callable[[World], Awaitable[None]]:
    """Kill processes of a role at one place after another, at one of the first arrivals there."""
    turns = cycle(names)

    async def inject(world: World) -> None:
        name = next(turns)
        for _ in range(_TRIES):
            if await _is_killed_at(world, role, name, world.chance.randint(1, latest)):
                world.notes[name] += 1
                return
            # Another process was quicker, and left it nothing to do.
            world.notes[f"{name} not reached"] += 1
        world.problems.append(f"no {role} came to {name}")

    return inject


async def _is_killed_at(world: World, role: str, name: str, arrival: int) -> bool:
    """Start a process that dies at a place; tell whether it came there."""
    if name.startswith("plan."):
        await _leave_to_plan(world)
    process = await world.start(role, HEYDAY_FAILPOINTS=f"{name}=kill#{arrival}")
    try:
        status = await process.until_ended(_REACHED_WITHIN)
    except TimeoutError:
        await process.kill()
        return False
    if status != -signal.SIGKILL:
        world.problems.append(f"{process.name} ended with {status}, not at {name}")
    return True


async def _leave_to_plan(world: World) -> None:
    """Store people of both kinds past Heyday, for planners to find: two plans with rows in them."""
    now = clock.now()
    due = world.place.atlas.due_between(NINE, now - 20 * _HOUR, now - _HOUR)
    make = world.feed.maker
    people = [make.born_on(world.chance.choice(due)) for _ in range(5)]
    people += [make.joined_on(world.chance.choice(due)) for _ in range(5)]
    await world.feed.add_by_sql(people, now - timedelta(days=30))


WORKER = Fault(
    "failpoint",
    "SIGKILL of a worker at each of 7 failpoints",
    times=50 * len(_IN_WORKERS),
    short=2 * len(_IN_WORKERS),
    inject=_kill_at("worker", _IN_WORKERS, latest=5),
    setup=Setup(workers=2),
    at_once=3,
)
SCHEDULER = Fault(
    "scheduler",
    "SIGKILL of a scheduler between plan, commit, publish and confirm",
    times=50 * len(_IN_SCHEDULERS),
    short=2 * len(_IN_SCHEDULERS),
    inject=_kill_at("scheduler", _IN_SCHEDULERS, latest=1),
    # One beside those to be killed, which alone find people to plan: they look at their start.
    setup=Setup(workers=2, schedulers=1, settings=lambda: PATIENT),
    is_clear=True,
)
