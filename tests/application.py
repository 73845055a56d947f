"""The whole HTTP application over a real PostgreSQL: fixtures for its API and its pages."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from litestar import Litestar

from heyday.api.app import ApiServices, create_app
from heyday.api.texts import TextRoutes
from heyday.api.webhooks import WebhookRoutes
from heyday.bootstrap.access import WRONG_KEYS
from heyday.db.activity import PostgresActivity
from heyday.db.audit import AuditRepository
from heyday.db.calendar import CalendarRepository
from heyday.db.condition import PostgresCondition
from heyday.db.days import DayRepository
from heyday.db.forecasts import ForecastRepository
from heyday.db.inbox import InboxRepository
from heyday.db.locales import LocaleRepository
from heyday.db.message_lists import MessageListRepository
from heyday.db.privacy import PrivacyRepository
from heyday.db.profiles import ProfileRepository
from heyday.db.replies import ReplyRepository
from heyday.db.standing import PostgresStanding
from heyday.db.texts import TextRepository
from heyday.domain.queue_ports import DeadLetters
from heyday.domain.rate_limit import Whose
from heyday.domain.tzdb import PINNED
from heyday.rate_limits import OwnRateLimits
from heyday.services.asking import AskingService
from heyday.services.auditing import AuditService
from heyday.services.bulk_decisions import BulkDecisions
from heyday.services.calendar import CalendarService
from heyday.services.condition import ConditionService
from heyday.services.demo import DemoService
from heyday.services.events import EventService
from heyday.services.health import HealthService
from heyday.services.import_previews import ImportPreviewService
from heyday.services.languages import LanguageService
from heyday.services.message_lists import MessageListService
from heyday.services.privacy import PrivacyService
from heyday.services.profiles import ProfileService
from heyday.services.replies import ReplyService
from heyday.services.text_preview import TextPreviewService
from heyday.services.texts import TextService, TextShelf
from heyday.services.today import TodayConfig, TodayService
from heyday.services.trial import TrialService
from heyday.services.unsubscribing import LinkMaker, UnsubscribeService
from heyday.texts.binding import Library
from heyday.web.letters import InboxFeed
from heyday.web.live import Live
from heyday.web.pages import PageServices, create_pages
from tests.factories import SEALS, Pipeline, timezones_of
from tests.fakes import FakeGuard
from tests.keys import Doors, pipeline_doors
from tests.operations import operations_of
from tests.webhooks import Amazon, sources

# How long a repeated request waits for the first one, and the one origin that may call.
PATIENCE = timedelta(seconds=1)
ORIGIN = "https://people.example.com"
# However busy the machine is, a page waits for its figures here.
PATIENT = TodayConfig(patience=timedelta(seconds=20))
RHYTHMS = {"daily": timedelta(days=1), "minute": timedelta(minutes=1)}


@pytest.fixture
def inbox(pipeline: Pipeline) -> InboxRepository:
    """The local mailbox."""
    return InboxRepository(pipeline.database)


@pytest.fixture
def doors(pipeline: Pipeline) -> Doors:
    """What makes keys, and what lets in who has one."""
    return pipeline_doors(pipeline)


@pytest.fixture
def dead_letters() -> DeadLetters | None:
    """What a transport set aside; None: the one in PostgreSQL."""
    return None


@pytest.fixture
def replies(pipeline: Pipeline) -> ReplyService:
    """What keeps replies; nobody waits long for a twin."""
    return ReplyService(ReplyRepository(pipeline.database, patience=PATIENCE), pipeline.clock)


@pytest.fixture
def amazon() -> Amazon:
    """What stands for Amazon SNS, where certificates are."""
    return Amazon()


@pytest.fixture
def webhooks(pipeline: Pipeline, amazon: Amazon) -> WebhookRoutes | None:
    """The routes of all providers, set up with the keys of the tests."""
    clock, metrics = pipeline.clock, pipeline.metrics
    events = EventService(pipeline.database, pipeline.planner, clock, metrics)
    failures = OwnRateLimits({Whose.WRONG_KEY: WRONG_KEYS}, clock, metrics)
    return WebhookRoutes(sources(amazon), events, failures, clock, metrics)


@pytest.fixture
def live(pipeline: Pipeline) -> Live:
    """What keeps pages up to date."""
    return Live(pipeline.clock)


@pytest.fixture
def app(  # noqa: PLR0913, PLR0917 - one parameter for each part that a test may look into
    pipeline: Pipeline,
    inbox: InboxRepository,
    doors: Doors,
    dead_letters: DeadLetters | None,
    replies: ReplyService,
    webhooks: WebhookRoutes | None,
    live: Live,
) -> Litestar:
    """The application."""
    database, clock = pipeline.database, pipeline.clock
    services = ApiServices(
        users=pipeline.users,
        health=HealthService(
            database,
            PostgresCondition(database),
            clock,
            FakeGuard(),
            version="1.2.3",
            tzdb_version=PINNED.version,
            rhythms=RHYTHMS,
        ),
        metrics=pipeline.metrics.registry,
        version="1.2.3",
        keys=doors.keys,
        access=doors.access,
        bulk=pipeline.bulk,
        imports=pipeline.imports,
        import_limit_bytes=1 << 20,
        operations=operations_of(pipeline, dead_letters),
        audit=AuditService(AuditRepository(database)),
        replies=replies,
        webhooks=webhooks,
        cors_origins=[ORIGIN],
        texts=TextRoutes(pipeline.texts, pipeline.previews),
        privacy=PrivacyService(PrivacyRepository(database, SEALS), clock),
    )
    pages = create_pages(_pages(pipeline, inbox, services, doors, live))
    return create_app(services, pages.handlers, pages.show_problem)


def _pages(
    pipeline: Pipeline, inbox: InboxRepository, services: ApiServices, doors: Doors, live: Live
) -> PageServices:
    """Return what the pages show: for the most part what the API does."""
    database, clock = pipeline.database, pipeline.clock
    operations, library = services.operations, Library()
    assert operations
    lists = MessageListService(
        MessageListRepository(database), AuditService(AuditRepository(database))
    )
    shelf = TextShelf(TextRepository(database), library, clock)
    texts = TextService(TextRepository(database), library, shelf, clock)
    condition = ConditionService(
        services.health,
        operations.queue,
        PostgresCondition(database),
        PostgresStanding(database, list(RHYTHMS)),
        PostgresActivity(database),
        clock,
    )
    return PageServices(
        clock=clock,
        users=services.users,
        messages=operations.messages,
        message_lists=lists,
        message_bulk=BulkDecisions(database, lists, pipeline.planner, clock),
        senders=("inbox",),
        timezones=timezones_of(),
        explanations=operations.explanations,
        imports=services.imports,
        import_previews=ImportPreviewService(database, clock),
        import_limit_bytes=services.import_limit_bytes,
        texts=texts,
        previews=TextPreviewService(texts, services.users, clock),
        languages=LanguageService(texts, shelf, LocaleRepository(database)),
        trial=TrialService({"test": pipeline.sender}, clock),
        condition=condition,
        job_runs=operations.job_runs,
        privacy=services.privacy,
        feed=InboxFeed(database, inbox, clock, "inbox", LinkMaker(SEALS, None)),
        signing_in=doors.signing_in,
        unsubscribing=UnsubscribeService(database, SEALS, pipeline.planner, clock),
        today=TodayService(DayRepository(database), clock, PATIENT),
        live=live,
        calendar=CalendarService(
            database,
            CalendarRepository(database),
            ForecastRepository(database),
            timezones_of(),
            clock,
        ),
        asking=AskingService(services.users, operations.explanations),
        profiles=ProfileService(ProfileRepository(database)),
        demo=DemoService(services.users, pipeline.timezones, clock),
    )


@pytest.fixture
async def client(app: Litestar, doors: Doors) -> AsyncIterator[httpx.AsyncClient]:
    """A client with a key that opens everything, in the loop of the test, as the pool is."""
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type] # Litestar's scope is narrower
    headers = await doors.opened()
    async with httpx.AsyncClient(
        transport=transport, base_url="http://localhost", headers=headers
    ) as client:
        yield client
