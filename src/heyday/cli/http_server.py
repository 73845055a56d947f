"""Serve the API and the pages over HTTP."""

import socket

import uvicorn

from heyday import __version__
from heyday.api.app import ApiServices, create_app
from heyday.api.doors import Access
from heyday.api.texts import TextRoutes
from heyday.bootstrap import App
from heyday.bootstrap.events import webhooks_of
from heyday.bootstrap.operations import operations_of
from heyday.bootstrap.pages import pages_of
from heyday.cli.plain_server import PlainServer, config_of
from heyday.services.calendar import CalendarService
from heyday.services.today import TodayService
from heyday.web.live import Live
from heyday.web.pages import create_pages


class HttpServer(PlainServer):
    """Serve them, and have what pages show read behind the backs of those who look.

    live: what goes on while somebody looks.   today, calendar: what is read behind the backs of
    those who look; today is to be warm when somebody does.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        live: Live | None = None,
        today: TodayService | None = None,
        calendar: CalendarService | None = None,
    ) -> None:
        super().__init__(config)
        self._live = live
        self._today = today
        self._calendar = calendar

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
            access=Access(
                access.ring, access.failures, app.metrics, access.limits, access.sessions
            ),
            privacy=app.privacy.people,
            import_limit_bytes=app.settings.import_limit << 20,
            operations=operations_of(app),
            texts=TextRoutes(app.texts.own, app.texts.previews(app.users)),
            audit=app.habits.audit,
            replies=app.habits.replies,
            webhooks=webhooks_of(app),
            cors_origins=app.settings.origins,
        )
        parts = pages_of(app)
        pages = create_pages(parts)
        api = create_app(services, pages.handlers, pages.show_problem)
        config = config_of(api, proxies=proxies, has_lifespan=True)
        return cls(config, parts.live, parts.today, parts.calendar)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to read what pages show, so that their first visitor need not wait for it."""
        await super().startup(sockets)
        if self._today:
            self._today.warm_up()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End what would go on for as long as somebody looks; then finish the other replies."""
        if self._live:
            self._live.close()
        await super().shutdown(sockets)
        if self._today:
            await self._today.close()
        if self._calendar:
            await self._calendar.close()
