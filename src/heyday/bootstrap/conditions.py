"""Build what says how everything is."""

from heyday.bootstrap import App
from heyday.bootstrap.queueing import queue_of
from heyday.db.activity import PostgresActivity
from heyday.db.condition import PostgresCondition
from heyday.domain.message_types import MESSAGE_TYPES
from heyday.services.condition import ConditionService


def condition_of(app: App) -> ConditionService:
    """Return what asks every part how it is, and says what is wrong."""

    async def count_unplanned() -> int:
        now = app.clock.now()
        async with app.database.session() as session:
            return sum(
                [await app.planner.count_unplanned(session, each, now) for each in MESSAGE_TYPES]
            )

    return ConditionService(
        app.health,
        queue_of(app),
        PostgresCondition(app.database),
        PostgresActivity(app.database),
        app.clock,
        count_unplanned=count_unplanned,
    )
