"""Build what tells how Heyday is."""

from heyday import __version__
from heyday.db.condition import PostgresCondition
from heyday.db.connection import Database
from heyday.domain.ports import Clock, ClockGuard, Transport
from heyday.domain.tzdb import PINNED
from heyday.services.health import HealthService
from heyday.services.scheduling import RHYTHMS, SWEEP
from heyday.settings import Settings


def build_health(
    settings: Settings,
    database: Database,
    clock: Clock,
    guard: ClockGuard,
    broker: Transport | None,
) -> HealthService:
    """Return it. broker: None where PostgreSQL carries batches."""
    return HealthService(
        database,
        PostgresCondition(database),
        clock,
        guard,
        broker,
        version=__version__,
        tzdb_version=PINNED.version,
        rhythms={**RHYTHMS, SWEEP: settings.sweep_every},
    )
