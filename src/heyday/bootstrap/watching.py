"""Build what those who watch Heyday look at, and what looks for them."""

from collections.abc import Sequence

from heyday.api.side_door import SideDoor, Working
from heyday.bootstrap import App
from heyday.bootstrap.conditions import standing_of
from heyday.domain.tzdb import PINNED
from heyday.schedulers.standing_watch import StandingWatch


def standing_watch_of(app: App) -> StandingWatch:
    """Return what looks how Heyday stands."""
    parts = (standing_of(app), app.dead_letters, app.clock, app.metrics)
    return StandingWatch(*parts, PINNED.version)


def side_door_of(app: App, parts: Sequence[Working]) -> SideDoor:
    """Return what a process serves that has no API. parts: those whose work it is there for."""
    return SideDoor(app.metrics.registry, app.guard, parts)


def show_process(app: App) -> None:
    """Have what the process itself is, and has open, be told whenever somebody asks."""
    metrics, pool = app.metrics, app.database.pool
    metrics.tzdb.labels(PINNED.version).set(1)
    if pool is None:
        return
    metrics.connections.labels("idle").set_function(pool.get_idle_size)
    metrics.connections.labels("used").set_function(lambda: pool.get_size() - pool.get_idle_size())
    metrics.connections_most.set(pool.get_max_size())
