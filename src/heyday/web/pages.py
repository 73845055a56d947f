"""Put the pages together from services that someone else built."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.ports import Clock
from heyday.domain.timezone import TimezoneService
from heyday.services.asking import AskingService
from heyday.services.bulk_decisions import BulkDecisions
from heyday.services.calendar import CalendarService
from heyday.services.condition import ConditionService
from heyday.services.demo import DemoService
from heyday.services.edits import EditService
from heyday.services.explaining import ExplanationService
from heyday.services.import_jobs import ImportJobService
from heyday.services.import_previews import ImportPreviewService
from heyday.services.jobs import JobRunService
from heyday.services.languages import LanguageService
from heyday.services.message_lists import MessageListService
from heyday.services.privacy import PrivacyService
from heyday.services.profiles import ProfileService
from heyday.services.resolving import ResolutionService
from heyday.services.signing_in import SignInService
from heyday.services.text_preview import TextPreviewService
from heyday.services.texts import TextService
from heyday.services.today import TodayService
from heyday.services.trial import TrialService
from heyday.services.unsubscribing import UnsubscribeService
from heyday.services.users import UserService
from heyday.web.calendar import CalendarPages
from heyday.web.imports import ImportPages
from heyday.web.inbox import InboxPages
from heyday.web.letters import InboxFeed
from heyday.web.live import Live
from heyday.web.message import MessagePage
from heyday.web.message_deeds import MessageDeeds
from heyday.web.messages import MessagePages
from heyday.web.people import PeoplePages
from heyday.web.person import PersonPages
from heyday.web.person_deeds import PersonDeeds
from heyday.web.person_edits import PersonForms
from heyday.web.person_view import PersonView
from heyday.web.problems import ProblemPages
from heyday.web.routes import page
from heyday.web.shell import Shell
from heyday.web.sign_in import SignInPages
from heyday.web.static_files import StaticFiles
from heyday.web.status import StatusPages
from heyday.web.text_desk import TextDesk
from heyday.web.texts import TextPages
from heyday.web.today import TodayPages
from heyday.web.unsubscribe import UnsubscribeRoutes


@dataclass(frozen=True, slots=True)
class PageServices:
    """Hold what the pages show, and what their forms do.

    senders: the names of those in force.
    timezones: when greetings of each message type leave, by the type's name.   import_limit_bytes:
    how long a file may be that is to be imported.   feed: the letters of the inbox.   live: what
    keeps pages up to date.   demo: None where letters leave for real addresses.
    """

    clock: Clock
    users: UserService
    messages: ResolutionService
    message_lists: MessageListService
    message_bulk: BulkDecisions
    senders: Sequence[str]
    timezones: Mapping[str, TimezoneService]
    explanations: ExplanationService
    imports: ImportJobService
    import_previews: ImportPreviewService
    import_limit_bytes: int
    texts: TextService
    previews: TextPreviewService
    languages: LanguageService
    trial: TrialService
    condition: ConditionService
    job_runs: JobRunService
    privacy: PrivacyService
    feed: InboxFeed
    signing_in: SignInService
    unsubscribing: UnsubscribeService
    today: TodayService
    live: Live
    calendar: CalendarService
    asking: AskingService
    profiles: ProfileService
    demo: DemoService | None


@dataclass(frozen=True, slots=True)
class Pages:
    """Hold the route handlers of all pages, and what shows that something went wrong."""

    handlers: Sequence[ControllerRouterHandler]
    show_problem: ProblemPages


def create_pages(services: PageServices) -> Pages:
    """Return the pages."""
    statics = StaticFiles()
    shell = Shell(services.clock, statics)
    handlers: Sequence[ControllerRouterHandler] = [
        page("/", None, status_code=307)(lead_to_first),
        *statics.handlers(),
        *SignInPages(shell, services.signing_in).handlers(),
        *_of_days(shell, services),
        *_of_people(shell, services),
        *_of_messages(shell, services),
        *StatusPages(shell, services.condition, services.job_runs).handlers(),
        *UnsubscribeRoutes(services.unsubscribing).handlers(),
    ]
    return Pages(handlers, ProblemPages(shell))


def _of_days(shell: Shell, services: PageServices) -> Sequence[ControllerRouterHandler]:
    nine = services.timezones[MESSAGE_TYPES[0].name]
    return [
        *TodayPages(shell, services.today, nine, services.live, services.clock).handlers(),
        *CalendarPages(shell, services.calendar, services.asking, services.timezones).handlers(),
    ]


def _of_people(shell: Shell, services: PageServices) -> Sequence[ControllerRouterHandler]:
    clock, users, profiles = services.clock, services.users, services.profiles
    edits = EditService(users, services.explanations)
    view = PersonView(shell, profiles, services.explanations, services.timezones, clock)
    files, previews = services.imports, services.import_previews
    return [
        *PeoplePages(shell, users, profiles, services.demo, clock).handlers(),
        *PersonForms(shell, users, edits, view, clock).handlers(),
        *PersonPages(view).handlers(),
        *PersonDeeds(shell, users, profiles, services.privacy, view).handlers(),
        *ImportPages(shell, files, previews, clock, services.import_limit_bytes).handlers(),
    ]


def _of_messages(shell: Shell, services: PageServices) -> Sequence[ControllerRouterHandler]:
    clock, lists = services.clock, services.message_lists
    desk = TextDesk(services.texts, services.previews, services.users, clock)
    return [
        *MessagePages(shell, lists, clock, services.senders).handlers(),
        *MessageDeeds(shell, services.message_bulk, clock).handlers(),
        *MessagePage(shell, services.messages, lists, clock).handlers(),
        *TextPages(shell, desk, services.languages, services.trial).handlers(),
        *InboxPages(shell, services.feed).handlers(),
    ]


async def lead_to_first() -> Redirect:
    """Lead to the page that shows how the day goes."""
    return Redirect("/today", status_code=307)
