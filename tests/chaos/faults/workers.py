"""Kill workers, stop them past their lease, restart everything in turn."""

import contextlib
import signal

from tests.chaos.fault import Fault
from tests.chaos.processes import Process
from tests.chaos.provider import Behaviour
from tests.chaos.waiting import pause, wait_until
from tests.chaos.world import PATIENT, Setup, World

_TAKEN_OVER_WITHIN = 30.0
_KILLED_AT_START = 0.1


async def _kill(world: World) -> None:
    """Kill a worker a while after it has come to its work; now and then, before."""
    worker = await world.take("worker")
    if world.chance.random() > _KILLED_AT_START:
        await worker.until_started()
    await pause(world.chance.uniform(0.0, 0.5))
    await worker.kill()


async def _stop_past_the_lease(world: World) -> None:
    """Stop a worker that holds greetings, until others have taken them over; then wake it."""
    worker = await _stop_one_that_holds(world)
    held = await world.witness.list_held(worker.name)

    async def look() -> bool:
        return not await world.witness.is_any_held(held)

    try:
        await wait_until(look, _TAKEN_OVER_WITHIN, f"a takeover from {worker.name}", every=0.2)
    except TimeoutError as late:
        world.problems.append(str(late))

    async def look_again() -> bool:
        return await world.witness.is_any_sent_by_others(held)

    # The worst moment to wake is while another worker sends the same greeting.
    with contextlib.suppress(TimeoutError):
        await wait_until(look_again, world.chance.choice((0.1, 5.0)), "a retry")
    worker.send(signal.SIGCONT)
    # What it does on waking is what this is about.
    await pause(world.chance.uniform(0.2, 0.8))
    worker.is_taken = False


async def _stop_one_that_holds(world: World) -> Process:
    while True:
        await pause(world.chance.uniform(0.0, 0.2))
        worker = await world.take("worker")
        worker.send(signal.SIGSTOP)
        if await world.witness.list_held(worker.name):
            return worker
        worker.send(signal.SIGCONT)
        worker.is_taken = False


async def _restart_in_turn(world: World) -> None:
    """Replace one process as a rolling restart does: the next one only when it is back."""
    role = world.chance.choice(("worker", "worker", "worker", "scheduler"))
    process = await world.take(role)
    await process.until_started()
    known = set(world.processes)
    status = await process.stop()
    if status != 0:
        world.problems.append(f"{process.name} ended with status {status} at SIGTERM")
    await world.replacement(role, known)


KILL = Fault(
    "worker",
    "SIGKILL of a worker at a random moment",
    times=1000,
    short=24,
    inject=_kill,
    setup=Setup(workers=5),
    at_once=3,
)
STOP = Fault(
    "stop",
    "SIGSTOP of a worker past its lease, then SIGCONT",
    times=200,
    short=14,
    inject=_stop_past_the_lease,
    # Many are stopped at a time; the others go on, and call a slow provider.
    setup=Setup(workers=13, provider=Behaviour(latency=0.2)),
    at_once=10,
)
RESTART = Fault(
    "restart",
    "SIGTERM: rolling restart under load",
    times=100,
    short=8,
    inject=_restart_in_turn,
    setup=Setup(settings=lambda: PATIENT),
    is_clear=True,
)
