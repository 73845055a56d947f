"""Build what the pages show."""

from heyday.bootstrap import App
from heyday.bootstrap.conditions import condition_of
from heyday.db.calendar import CalendarRepository
from heyday.db.days import DayRepository
from heyday.db.forecasts import ForecastRepository
from heyday.db.message_lists import MessageListRepository
from heyday.db.profiles import ProfileRepository
from heyday.services.asking import AskingService
from heyday.services.bulk_decisions import BulkDecisions
from heyday.services.calendar import CalendarService
from heyday.services.jobs import JobRunService
from heyday.services.message_lists import MessageListService
from heyday.services.profiles import ProfileService
from heyday.services.today import TodayService
from heyday.settings.choices import SenderName
from heyday.web.letters import InboxFeed
from heyday.web.live import Live
from heyday.web.pages import PageServices


def pages_of(app: App) -> PageServices:
    """Return the services behind the pages."""
    lists = MessageListService(MessageListRepository(app.database), app.habits.audit)
    return PageServices(
        clock=app.clock,
        users=app.users,
        messages=app.resolutions,
        message_lists=lists,
        message_bulk=BulkDecisions(app.database, lists, app.planner, app.clock),
        senders=app.settings.sender_plan.senders,
        timezones=app.timezones,
        explanations=app.explanations,
        imports=app.imports.jobs,
        import_previews=app.imports.previews,
        import_limit_bytes=app.settings.import_limit << 20,
        texts=app.texts.own,
        previews=app.texts.previews(app.users),
        languages=app.texts.languages,
        trial=app.trial,
        condition=condition_of(app),
        job_runs=JobRunService(app.database),
        privacy=app.privacy.people,
        feed=_feed_of(app),
        signing_in=app.access.signing_in,
        unsubscribing=app.privacy.unsubscribing,
        today=TodayService(DayRepository(app.database), app.clock),
        live=Live(app.clock),
        calendar=_calendar_of(app),
        asking=AskingService(app.users, app.explanations),
        profiles=ProfileService(ProfileRepository(app.database)),
        demo=app.demo if app.settings.sender_names == [SenderName.INBOX] else None,
    )


def _calendar_of(app: App) -> CalendarService:
    database = app.database
    rows, people = CalendarRepository(database), ForecastRepository(database)
    return CalendarService(database, rows, people, app.timezones, app.clock)


def _feed_of(app: App) -> InboxFeed:
    settings = app.settings
    from_whom = settings.mail_from or settings.company or "Heyday"
    sender = str(settings.sender_plan)
    return InboxFeed(app.database, app.inbox, app.clock, sender, app.privacy.links, from_whom)
