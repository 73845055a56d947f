"""Build what the pages show."""

from heyday.bootstrap import App
from heyday.bootstrap.queueing import queue_of
from heyday.db.activity import PostgresActivity
from heyday.db.condition import PostgresCondition
from heyday.services.condition import ConditionService
from heyday.services.jobs import JobRunService
from heyday.web.letters import InboxFeed
from heyday.web.pages import PageServices


def pages_of(app: App) -> PageServices:
    """Return the services behind the pages."""
    sender, queue = str(app.settings.sender_plan), queue_of(app)
    store, activity = PostgresCondition(app.database), PostgresActivity(app.database)
    return PageServices(
        clock=app.clock,
        users=app.users,
        messages=app.resolutions,
        timezones=app.timezones,
        forecasts=app.forecasts,
        explanations=app.explanations,
        imports=app.imports.jobs,
        import_limit_bytes=app.settings.import_limit << 20,
        texts=app.texts.own,
        previews=app.texts.previews(app.users),
        languages=app.texts.languages,
        trial=app.trial,
        condition=ConditionService(app.health, queue, store, activity, app.clock),
        job_runs=JobRunService(app.database),
        books=app.reconciliation,
        queue=queue,
        privacy=app.privacy.people,
        feed=InboxFeed(
            app.database,
            app.inbox,
            app.clock,
            sender,
            app.privacy.links,
            app.settings.mail_from or app.settings.company or "Heyday",
        ),
        unsubscribing=app.privacy.unsubscribing,
    )
