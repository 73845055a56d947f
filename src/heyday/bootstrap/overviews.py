"""Build what tells in one look how it goes."""

from datetime import timedelta

from heyday.bootstrap import App
from heyday.bootstrap.conditions import condition_of
from heyday.db.days import DayRepository
from heyday.domain.message_types import BIRTHDAY
from heyday.services.overview import OverviewService
from heyday.services.today import TodayConfig, TodayService

# Who looks at a terminal waits for the first count of a day, and not for later ones.
_PATIENCE = timedelta(seconds=10)


def today_of(app: App, every: timedelta) -> TodayService:
    """Return what counts a day, as often as that. Close it."""
    config = TodayConfig(every=every, patience=_PATIENCE)
    return TodayService(DayRepository(app.database), app.clock, config)


def overview_of(app: App, today: TodayService) -> OverviewService:
    """Return what tells in one look how it goes."""
    return OverviewService(today, condition_of(app), app.timezones[BIRTHDAY.name], app.clock)
