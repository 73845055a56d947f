"""Put the pages together from services that someone else built."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from heyday.domain.ports import Clock
from heyday.domain.timezone import TimezoneService
from heyday.services.condition import ConditionService
from heyday.services.explaining import ExplanationService
from heyday.services.forecasting import ForecastService
from heyday.services.import_jobs import ImportJobService
from heyday.services.jobs import JobRunService
from heyday.services.languages import LanguageService
from heyday.services.privacy import PrivacyService
from heyday.services.queueing import QueueService
from heyday.services.reconciling import ReconciliationService
from heyday.services.resolving import ResolutionService
from heyday.services.text_preview import TextPreviewService
from heyday.services.texts import TextService
from heyday.services.trial import TrialService
from heyday.services.unsubscribing import UnsubscribeService
from heyday.services.users import UserService
from heyday.web.inbox import InboxPages
from heyday.web.letters import InboxFeed
from heyday.web.routes import page
from heyday.web.shell import Shell
from heyday.web.static_files import StaticFiles
from heyday.web.status import StatusPages
from heyday.web.text_desk import TextDesk
from heyday.web.texts import TextPages
from heyday.web.unsubscribe import UnsubscribeRoutes


@dataclass(frozen=True, slots=True)
class PageServices:
    """Hold what the pages show, and what their forms do.

    timezones: when greetings of each message type leave, by the type's name.   import_limit_bytes:
    how long a file may be that is to be imported.   feed: the letters of the inbox.
    """

    clock: Clock
    users: UserService
    messages: ResolutionService
    timezones: Mapping[str, TimezoneService]
    forecasts: ForecastService
    explanations: ExplanationService
    imports: ImportJobService
    import_limit_bytes: int
    texts: TextService
    previews: TextPreviewService
    languages: LanguageService
    trial: TrialService
    condition: ConditionService
    job_runs: JobRunService
    books: ReconciliationService
    queue: QueueService
    privacy: PrivacyService
    feed: InboxFeed
    unsubscribing: UnsubscribeService


def create_pages(services: PageServices) -> Sequence[ControllerRouterHandler]:
    """Return the route handlers of all pages."""
    statics = StaticFiles()
    shell = Shell(services.clock, statics)
    desk = TextDesk(services.texts, services.previews, services.users, services.clock)
    return [
        page("/", None, status_code=307)(lead_to_first),
        *statics.handlers(),
        *StatusPages(shell, services.condition, services.job_runs).handlers(),
        *TextPages(shell, desk, services.languages, services.trial).handlers(),
        *InboxPages(shell, services.feed).handlers(),
        *UnsubscribeRoutes(services.unsubscribing).handlers(),
    ]


async def lead_to_first() -> Redirect:
    """Lead to the page that shows how the day goes."""
    return Redirect("/inbox", status_code=307)
