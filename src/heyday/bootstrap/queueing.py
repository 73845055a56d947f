"""Build what looks at the queue."""

from datetime import timedelta

from heyday.bootstrap import App
from heyday.bootstrap.bursts import build_days
from heyday.services.queueing import QueueService


def queue_of(app: App, patience: timedelta = timedelta(seconds=3)) -> QueueService:
    """Return what looks at the queue, and frees what it has set aside.

    patience: how long the transport may take to be measured.
    """
    own = {name: app.settings.through(name) for name in app.settings.sender_names}
    days = [build_days(of_it, app.database, name.value) for name, of_it in own.items()]
    capped = [each for each in days if each]
    return QueueService(app.dead_letters, app.database, app.clock, patience, days=capped)
