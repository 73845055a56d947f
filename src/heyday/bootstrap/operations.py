"""Build what those look at who run Heyday."""

from heyday.api.operations import Operations
from heyday.bootstrap import App
from heyday.bootstrap.queueing import queue_of
from heyday.domain.message_types import MESSAGE_TYPES
from heyday.services.jobs import JobRunService
from heyday.services.message_types import MessageTypeService


def operations_of(app: App) -> Operations:
    """Return the services behind the routes of operators."""
    return Operations(
        messages=app.resolutions,
        message_types=MessageTypeService(
            {name: timezones.policies for name, timezones in app.timezones.items()},
            {t.name: app.settings.ambiguity(t.name) for t in MESSAGE_TYPES},
        ),
        forecasts=app.forecasts,
        explanations=app.explanations,
        job_runs=JobRunService(app.database),
        books=app.reconciliation,
        queue=queue_of(app),
        clock=app.clock,
    )
