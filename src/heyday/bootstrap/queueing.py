"""Build what looks at the queue."""

from heyday.bootstrap import App
from heyday.services.queueing import QueueService


def queue_of(app: App) -> QueueService:
    """Return what looks at the queue, and frees what it has set aside."""
    return QueueService(app.dead_letters, app.database, app.clock)
