"""Put the HTTP application together from services that someone else built."""

from collections.abc import Sequence
from dataclasses import dataclass

from litestar import Litestar
from litestar.types import ControllerRouterHandler
from prometheus_client import CollectorRegistry

from heyday.api.answers import answer
from heyday.api.calls import guard
from heyday.api.compression import COMPRESSION
from heyday.api.docs import DocsRoutes
from heyday.api.frame import RequestFrame
from heyday.api.health import HealthRoutes
from heyday.api.metrics import MetricsRoutes
from heyday.api.problems import MAX_BODY_BYTES
from heyday.api.users import UserRoutes
from heyday.domain.rate_limit import RateLimits
from heyday.services.health import HealthService
from heyday.services.users import UserService


@dataclass(frozen=True, slots=True)
class ApiServices:
    """Hold what the API needs.

    version: of Heyday, shown in the API's description.   rate_limits: None where there are none.
    """

    users: UserService
    health: HealthService
    metrics: CollectorRegistry
    version: str
    rate_limits: RateLimits | None = None


def create_app(services: ApiServices, pages: Sequence[ControllerRouterHandler] = ()) -> Litestar:
    """Return the ASGI application: the API and, beside it, pages."""
    docs, limits = DocsRoutes(services.version), services.rate_limits
    app = Litestar(
        [
            *UserRoutes(services.users, [guard(limits)] if limits else []).handlers(),
            *HealthRoutes(services.health, limits).handlers(),
            *MetricsRoutes(services.metrics).handlers(),
            *docs.handlers(),
            *pages,
        ],
        openapi_config=docs.openapi(),
        exception_handlers={Exception: answer},
        request_max_body_size=MAX_BODY_BYTES,
        compression_config=COMPRESSION,
        logging_config=None,
        debug=False,
    )
    app.asgi_handler = RequestFrame(app.asgi_handler)
    return app
