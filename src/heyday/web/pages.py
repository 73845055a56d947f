"""Serve the pages: / leads to /inbox, which shows greetings as they arrive."""

from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from litestar import get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Response
from litestar.types import ControllerRouterHandler

from heyday.domain.access import Scope
from heyday.services.unsubscribing import UnsubscribeService
from heyday.web.letters import InboxFeed, InboxReply
from heyday.web.unsubscribe import UnsubscribeRoutes

_MEDIA_TYPES = {
    "inbox.css": "text/css",
    "inbox.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}


def create_pages(
    feed: InboxFeed, unsubscribing: UnsubscribeService
) -> Sequence[ControllerRouterHandler]:
    """Return the route handlers of all pages."""
    return [*PageRoutes(feed).handlers(), *UnsubscribeRoutes(unsubscribing).handlers()]


class PageRoutes:
    """Hold the pages' files in memory and bind the routes."""

    def __init__(self, feed: InboxFeed) -> None:
        self._feed = feed
        self._inbox = _read("inbox.html")
        self._files = {name: _read(f"static/{name}") for name in _MEDIA_TYPES}

    def handlers(self) -> Sequence[HTTPRouteHandler]:
        """Return the route handlers."""
        # A browser asks its user for the key; it is told how by the first reply.
        hidden: dict[str, Any] = {
            "scope": Scope.USERS_READ,
            "is_page": True,
            "include_in_schema": False,
        }
        routine = {**hidden, "is_routine": True}
        return [
            get("/", status_code=307, **hidden)(self.lead_to_inbox),
            get("/inbox", media_type="text/html", **hidden)(self.show_inbox),
            get("/inbox/messages", **routine)(self.list_messages),
            get("/static/{name:str}", **routine)(self.show_file),
        ]

    async def lead_to_inbox(self) -> Redirect:
        """Lead to the page that shows something."""
        return Redirect("/inbox", status_code=307)

    async def show_inbox(self) -> bytes:
        """Show the page; it holds nothing about people and asks for that itself."""
        return self._inbox

    async def list_messages(self, after: FromQuery[int] = 0) -> InboxReply:
        """Return the letters with a number above `after`, and who is next."""
        return await self._feed.read(after)

    async def show_file(self, name: FromPath[str]) -> Response[bytes]:
        """Show one file of a page."""
        if name not in self._files:
            raise NotFoundException
        return Response(
            self._files[name],
            media_type=_MEDIA_TYPES[name],
            headers={"Cache-Control": "no-cache"},
        )


def _read(path: str) -> bytes:
    return files("heyday.web").joinpath(path).read_bytes()
