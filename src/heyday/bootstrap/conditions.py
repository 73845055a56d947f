"""Build what says how everything is."""

from datetime import timedelta

from heyday.bootstrap import App
from heyday.bootstrap.queueing import queue_of
from heyday.db.activity import PostgresActivity
from heyday.db.condition import PostgresCondition
from heyday.db.standing import PostgresStanding
from heyday.domain.message_types import MESSAGE_TYPES
from heyday.services.condition import ConditionService
from heyday.services.retention import RETENTION
from heyday.services.scheduling import RHYTHMS

PATIENCE = timedelta(seconds=3)
"""How long each part may take to answer."""


def standing_of(app: App) -> PostgresStanding:
    """Return what tells how Heyday stands."""
    return PostgresStanding(app.database, [*RHYTHMS, RETENTION])


def condition_of(app: App, patience: timedelta = PATIENCE) -> ConditionService:
    """Return what asks every part how it is, and says what is wrong."""

    async def count_unplanned() -> int:
        now = app.clock.now()
        async with app.database.session() as session:
            return sum(
                [await app.planner.count_unplanned(session, each, now) for each in MESSAGE_TYPES]
            )

    return ConditionService(
        app.health,
        # What PostgreSQL tells of the queue is to be had also where RabbitMQ keeps silent.
        queue_of(app, patience / 2),
        PostgresCondition(app.database),
        standing_of(app),
        PostgresActivity(app.database),
        app.clock,
        patience,
        count_unplanned=count_unplanned,
        keep_months=app.settings.keep_messages,
    )
