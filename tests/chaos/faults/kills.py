"""Take a worker's life, or a connection's, at any moment; or ask politely."""

from tests.chaos.fault import Fault
from tests.chaos.waiting import pause
from tests.chaos.witness import NAME
from tests.chaos.world import Setup, World

_BACKENDS = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND application_name <> $1
ORDER BY pid
"""


async def _kill_worker(world: World) -> None:
    await pause(world.chance.uniform(0.0, 0.35))
    worker = await world.pick("worker")
    await worker.kill()


async def _end_backend(world: World) -> None:
    await pause(world.chance.uniform(0.0, 0.15))
    backends = await world.witness.fetch(_BACKENDS, NAME)
    if backends:
        pid = world.chance.choice(backends)["pid"]
        await world.witness.fetch("SELECT pg_terminate_backend($1)", pid)


async def _restart_in_turn(world: World) -> None:
    """Replace one process as a rolling restart does: the next one only when it is back."""
    role = world.chance.choice(("worker", "worker", "worker", "scheduler"))
    process = await world.pick(role)
    await process.until_started()
    known = set(world.processes)
    status = await process.stop()
    if status != 0:
        world.problems.append(f"{process.name} ended with status {status} at SIGTERM")
    await world.replacement(role, known)


WORKER = Fault(
    "worker",
    "SIGKILL of a worker at a random moment",
    times=1000,
    short=40,
    inject=_kill_worker,
    setup=Setup(workers=4),
)
BACKEND = Fault(
    "backend",
    "pg_terminate_backend of any connection",
    times=500,
    short=40,
    inject=_end_backend,
)
RESTART = Fault(
    "restart",
    "SIGTERM: rolling restart under load",
    times=100,
    short=10,
    inject=_restart_in_turn,
    setup=Setup(workers=3),
    ambiguous=False,
)
