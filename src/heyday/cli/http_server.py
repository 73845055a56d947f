"""Serve the API and the pages over HTTP, as a part of a process that has others as well."""

import contextlib
from collections.abc import Iterator

import uvicorn

from heyday import __version__
from heyday.api.access import Access
from heyday.api.app import ApiServices, create_app
from heyday.api.texts import TextRoutes
from heyday.bootstrap import App
from heyday.bootstrap.events import webhooks_of
from heyday.bootstrap.operations import operations_of
from heyday.bootstrap.pages import pages_of
from heyday.web.pages import create_pages

_FINISH_REPLIES = 5
"""Seconds that replies in flight are given at the end."""


class HttpServer(uvicorn.Server):
    """Leave signals to `heyday up`, which knows what else must end."""

    @classmethod
    def of(cls, app: App) -> "HttpServer":
        """Build the server on the parts of an app."""
        access, proxies = app.access, app.settings.trusted_networks
        services = ApiServices(
            users=app.users,
            bulk=app.imports.bulk,
            imports=app.imports.jobs,
            health=app.health,
            metrics=app.metrics.registry,
            version=__version__,
            keys=access.keys,
            access=Access(access.ring, access.failures, app.metrics, access.limits),
            privacy=app.privacy.people,
            import_limit_bytes=app.settings.import_limit << 20,
            operations=operations_of(app),
            texts=TextRoutes(app.texts.own, app.texts.previews(app.users)),
            audit=app.habits.audit,
            replies=app.habits.replies,
            webhooks=webhooks_of(app),
            cors_origins=app.settings.origins,
        )
        config = uvicorn.Config(
            create_app(services, create_pages(pages_of(app))),
            log_config=None,
            access_log=False,
            server_header=False,
            # Else uvicorn would believe whoever calls from this machine.
            proxy_headers=bool(proxies),
            forwarded_allow_ips=proxies,
            lifespan="on",
            timeout_graceful_shutdown=_FINISH_REPLIES,
        )
        return cls(config)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take no signals."""
        yield
