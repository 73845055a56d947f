"""Serve the inbox: greetings as they arrive, and each as its person would see it.

Without JavaScript it is a list with links. With it, new letters appear by themselves: the page asks
every two seconds, and is answered 304 as long as nothing came.
"""

import secrets
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import msgspec
from litestar import get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from litestar.response import Response
from litestar.status_codes import HTTP_304_NOT_MODIFIED, HTTP_404_NOT_FOUND

from heyday.domain.access import Scope
from heyday.web.letter_frame import SANDBOX, show_letter
from heyday.web.letters import InboxFeed, InboxReply, NextGreeting
from heyday.web.routes import page
from heyday.web.shell import PageRequest, Shell, _

_LARGEST = 2**63 - 1


class InboxPages:
    """Bind the inbox to what it shows."""

    def __init__(self, shell: Shell, feed: InboxFeed) -> None:
        self._shell = shell
        self._feed = feed
        # What a page has of people is named in a URL by what tells nobody anything.
        self._key = secrets.token_bytes(16)

    def handlers(self) -> Sequence[HTTPRouteHandler]:
        """Return the route handlers."""
        scope = Scope.USERS_READ
        routine: dict[str, Any] = {"is_routine": True}
        for_programs = {"scope": scope, "is_page": True, "include_in_schema": False, **routine}
        return [
            page("/inbox", scope)(self.show_inbox),
            page("/inbox/news", scope, **routine)(self.list_news),
            page("/inbox/next", scope, **routine)(self.show_next),
            get("/inbox/messages", **for_programs)(self.list_messages),
            page("/inbox/{number:int}", scope)(self.show_letter),
            page("/inbox/{number:int}/letter", scope)(self.show_letter_html),
        ]

    async def show_inbox(
        self, request: PageRequest, before: FromQuery[int | None] = None
    ) -> Response[str]:
        """Show letters, newest first, and who is next."""
        letters, older = await self._feed.list_page(_number(before))
        following = await self._feed.find_next()
        return self._shell.page(
            request,
            "inbox.html",
            _("Inbox"),
            letters=letters,
            older=older,
            before=before,
            next=following,
            token=self._token(following),
            sender=self._feed.sender,
        )

    async def list_news(self, request: PageRequest, after: FromQuery[int] = 0) -> Response[str]:
        """Show what arrived since, for the top of the list."""
        news = await self._feed.find_news(_number(after) or 0)
        if not news.letters and not news.is_whole:
            return _nothing_new()
        return self._shell.part(
            request,
            "inbox_news.html",
            letters=news.letters,
            number=len(news.letters),
            is_whole=news.is_whole,
        )

    async def show_next(self, request: PageRequest, seen: FromQuery[str] = "") -> Response[str]:
        """Show who is next, unless the page has it."""
        following = await self._feed.find_next()
        if seen == self._token(following):
            return _nothing_new()
        return self._shell.part(
            request, "inbox_next.html", next=following, token=self._token(following)
        )

    def _token(self, following: NextGreeting | None) -> str:
        """Return what stands for who is next: another as soon as anything of it is another."""
        shown = msgspec.json.encode(following)
        return blake2b(shown, key=self._key, digest_size=8).hexdigest()

    async def list_messages(self, after: FromQuery[int] = 0) -> InboxReply:
        """Return the letters with a number above `after`, and who is next."""
        return await self._feed.read(after)

    async def show_letter(self, request: PageRequest, number: FromPath[int]) -> Response[str]:
        """Show one letter as its person would see it."""
        letter = await self._feed.find(number) if 0 <= number <= _LARGEST else None
        if letter is None:
            return self._shell.page(
                request,
                "inbox_missing.html",
                _("No such letter"),
                status_code=HTTP_404_NOT_FOUND,
            )
        return self._shell.page(
            request,
            "inbox_letter.html",
            letter.head.subject or _("A letter"),
            letter=letter,
            origin=self._feed.origin,
            sandbox=SANDBOX,
        )

    async def show_letter_html(self, number: FromPath[int]) -> Response[str]:
        """Show the HTML of a letter, for a frame."""
        letter = await self._feed.find(number) if 0 <= number <= _LARGEST else None
        if letter is None or letter.html is None:
            raise NotFoundException
        return show_letter(letter.html)


def _nothing_new() -> Response[str]:
    """Return that nobody is shown, which is no look at anybody; nothing on the page moves."""
    return Response("", status_code=HTTP_304_NOT_MODIFIED, headers={"HX-Reswap": "none"})


def _number(given: int | None) -> int | None:
    """Return a number that a letter may have."""
    return None if given is None else min(max(given, 0), _LARGEST)
