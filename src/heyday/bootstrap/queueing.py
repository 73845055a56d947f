"""Build what looks at the queue."""

from heyday.bootstrap import App
from heyday.bootstrap.bursts import build_days
from heyday.services.queueing import QueueService


def queue_of(app: App) -> QueueService:
    """Return what looks at the queue, and frees what it has set aside."""
    own = {name: app.settings.through(name) for name in app.settings.sender_names}
    days = [build_days(of_it, app.database, name.value) for name, of_it in own.items()]
    capped = [each for each in days if each]
    return QueueService(app.dead_letters, app.database, app.clock, days=capped)
