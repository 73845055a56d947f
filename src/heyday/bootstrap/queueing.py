"""Build what looks at the queue."""

from heyday.bootstrap import App
from heyday.bootstrap.bursts import build_days
from heyday.services.queueing import QueueService


def queue_of(app: App) -> QueueService:
    """Return what looks at the queue, and frees what it has set aside."""
    days = build_days(app.settings, app.database, app.settings.sender_name.value)
    capped = [days] if days else []
    return QueueService(app.dead_letters, app.database, app.clock, days=capped)
