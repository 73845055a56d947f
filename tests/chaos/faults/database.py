"""Take connections away, or the whole server."""

from tests.chaos.fault import Fault
from tests.chaos.waiting import pause
from tests.chaos.witness import NAME
from tests.chaos.world import World

_BACKENDS = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND application_name <> $1
ORDER BY pid
"""


async def _end_backend(world: World) -> None:
    await pause(world.chance.uniform(0.0, 0.15))
    backends = await world.witness.fetch(_BACKENDS, NAME)
    if backends:
        pid = world.chance.choice(backends)["pid"]
        await world.witness.fetch("SELECT pg_terminate_backend($1)", pid)


async def _crash(world: World) -> None:
    await pause(world.chance.uniform(0.3, 1.5))
    await world.place.ground.server.crash()
    await pause(world.chance.uniform(0.0, 0.5))
    await world.place.ground.server.start()


BACKEND = Fault(
    "backend", "pg_terminate_backend of any connection", times=500, short=30, inject=_end_backend
)
CRASH = Fault(
    "crash", "PostgreSQL stopped with -m immediate, and started", times=50, short=4, inject=_crash
)
