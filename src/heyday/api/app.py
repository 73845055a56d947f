"""Put the HTTP application together from services that someone else built."""

from collections.abc import Sequence
from dataclasses import dataclass

from litestar import Litestar
from litestar.types import ControllerRouterHandler
from prometheus_client import CollectorRegistry

from heyday.api.access import AccessGate, declare_access
from heyday.api.audit import AuditRoutes
from heyday.api.compression import COMPRESSION
from heyday.api.cors import cors
from heyday.api.docs import DocsRoutes
from heyday.api.doors import Access
from heyday.api.frame import RequestFrame
from heyday.api.habits import Habits, ServedMiddleware
from heyday.api.health import HealthRoutes
from heyday.api.imports import ImportRoutes
from heyday.api.keys import KeyRoutes
from heyday.api.many_people import ManyPeopleRoutes
from heyday.api.metrics import MetricsRoutes
from heyday.api.operations import Operations
from heyday.api.page_answers import Answers, PageOfProblem
from heyday.api.privacy import PrivacyRoutes
from heyday.api.problems import MAX_BODY_BYTES
from heyday.api.route_plans import check, document
from heyday.api.texts import TextRoutes
from heyday.api.users import UserRoutes
from heyday.api.webhooks import WebhookRoutes
from heyday.services.auditing import AuditService
from heyday.services.bulk import BulkService
from heyday.services.health import HealthService
from heyday.services.import_jobs import ImportJobService
from heyday.services.keys import KeyService
from heyday.services.privacy import PrivacyService
from heyday.services.replies import ReplyService
from heyday.services.users import UserService


@dataclass(frozen=True, slots=True)
class ApiServices:
    """Hold what the API needs.

    version: of Heyday, shown in the API's description.   access: what decides who is let in.
    import_limit_bytes: how long a file may be that is to be imported.
    operations: what operators look at; None leaves it out.
    texts: what shows and changes them; None leaves it out.
    audit, replies: None where nothing is noted, or kept, as in some tests.
    webhooks: what providers call; None leaves it out.
    cors_origins: of pages that may call from a browser.
    """

    users: UserService
    health: HealthService
    metrics: CollectorRegistry
    version: str
    bulk: BulkService
    imports: ImportJobService
    keys: KeyService
    access: Access
    privacy: PrivacyService
    import_limit_bytes: int = 512 << 20
    operations: Operations | None = None
    audit: AuditService | None = None
    replies: ReplyService | None = None
    texts: TextRoutes | None = None
    webhooks: WebhookRoutes | None = None
    cors_origins: Sequence[str] = ()


def create_app(
    services: ApiServices,
    pages: Sequence[ControllerRouterHandler] = (),
    show_problem: PageOfProblem | None = None,
) -> Litestar:
    """Return the ASGI application: the API and, beside it, pages.

    show_problem: makes a page of a refusal or a fault; None: they are told as the API tells them.
    Raises ImproperlyConfiguredException if a route does not say who may ask.
    """
    docs, access = DocsRoutes(services.version), services.access
    habits = Habits(services.audit, services.replies)
    app = Litestar(
        document([*_routes(services, docs), *pages]),
        openapi_config=docs.openapi(),
        exception_handlers={Exception: Answers(show_problem)},
        middleware=[AccessGate(access).wrap, ServedMiddleware],
        before_request=habits.before,
        after_request=habits.after,
        cors_config=cors(services.cors_origins),
        request_max_body_size=MAX_BODY_BYTES,
        compression_config=COMPRESSION,
        logging_config=None,
        debug=False,
    )
    declare_access(app)
    check(app.routes)
    habits.learn(app.routes)
    app.asgi_handler = RequestFrame(app.asgi_handler, access.metrics)
    return app


def _routes(services: ApiServices, docs: DocsRoutes) -> Sequence[ControllerRouterHandler]:
    """Return the route handlers of the API."""
    return [
        *UserRoutes(services.users).handlers(),
        *ManyPeopleRoutes(services.users, services.bulk).handlers(),
        *ImportRoutes(services.imports, services.import_limit_bytes).handlers(),
        *(services.operations.handlers() if services.operations else []),
        *(services.texts.handlers() if services.texts else ()),
        *KeyRoutes(services.keys).handlers(),
        *PrivacyRoutes(services.privacy).handlers(),
        *(AuditRoutes(services.audit).handlers() if services.audit else ()),
        *HealthRoutes(services.health, services.access.limits).handlers(),
        *MetricsRoutes(services.metrics).handlers(),
        *(services.webhooks.handlers() if services.webhooks else ()),
        *docs.handlers(),
    ]
