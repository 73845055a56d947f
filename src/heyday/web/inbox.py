"""Serve the inbox: it shows greetings as they arrive."""

from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from heyday.domain.access import Scope
from heyday.web.letters import InboxFeed, InboxReply


class InboxPages:
    """Bind the inbox to what it shows."""

    def __init__(self, feed: InboxFeed) -> None:
        self._feed = feed
        self._inbox = _read("inbox.html")

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
            get("/inbox", media_type="text/html", **hidden)(self.show_inbox),
            get("/inbox/messages", **routine)(self.list_messages),
        ]

    async def show_inbox(self) -> bytes:
        """Show the page; it holds nothing about people and asks for that itself."""
        return self._inbox

    async def list_messages(self, after: FromQuery[int] = 0) -> InboxReply:
        """Return the letters with a number above `after`, and who is next."""
        return await self._feed.read(after)


def _read(path: str) -> bytes:
    return files("heyday.web").joinpath(path).read_bytes()
