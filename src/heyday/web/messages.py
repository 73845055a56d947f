"""Serve the list of greetings: looked through by filters, a page at a time, never as a whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from litestar.handlers import HTTPRouteHandler
from litestar.response import Response
from litestar.status_codes import HTTP_200_OK, HTTP_400_BAD_REQUEST

from heyday.domain.access import Scope
from heyday.domain.message_filters import MessageFilter
from heyday.domain.message_lists import (
    LOOK,
    Counted,
    ListedGreeting,
    ListedPage,
    Look,
    Order,
    PersonName,
)
from heyday.domain.ports import Clock
from heyday.domain.transitions import Status
from heyday.domain.tzdb import PINNED
from heyday.services.message_lists import MessageListService
from heyday.web.message_query import MESSAGES, MessageQuery, read_query
from heyday.web.message_words import KIND_NAMES, STATUS_NAMES, deeds_for, is_late
from heyday.web.routes import page
from heyday.web.shell import PageRequest, Shell, Visitor

PAGE: Final = 50
"""How many greetings a page shows."""

_NOTHING: Final = ListedPage((), None)
_WAITING: Final = Look(MessageFilter(status=Status.UNKNOWN), Order.LATEST)


@dataclass(frozen=True, slots=True)
class ShownRow:
    """Show a greeting on a list. name: None where it may not be shown, or nobody is there."""

    listed: ListedGreeting
    name: PersonName | None
    is_late: bool


class MessagePages:
    """Bind the list to what it shows. senders: those in force, to choose from."""

    def __init__(
        self, shell: Shell, lists: MessageListService, clock: Clock, senders: Sequence[str]
    ) -> None:
        self._shell = shell
        self._lists = lists
        self._clock = clock
        self._senders = senders

    def handlers(self) -> Sequence[HTTPRouteHandler]:
        """Return the route handlers."""
        return [page(MESSAGES, Scope.MESSAGES_READ)(self.list_messages)]

    async def list_messages(self, request: PageRequest) -> Response[str]:
        """Show a page of those that fit."""
        now = self._clock.now()
        query = read_query(dict(request.query_params), now)
        if query.problems:
            return self._show(request, query, (), _NOTHING, None, None, HTTP_400_BAD_REQUEST)
        listed = await self._lists.list_page(query.look, PAGE)
        rows = await self._rows(request, listed, now)
        counted = await self._lists.count(query.look)
        waiting = await self._lists.count(_WAITING)
        return self._show(request, query, rows, listed, counted, waiting)

    async def _rows(
        self, request: PageRequest, listed: ListedPage, now: datetime
    ) -> Sequence[ShownRow]:
        may_see = visitor_of(request).may(Scope.USERS_READ)
        names = await self._lists.find_names(listed.user_ids if may_see else ())
        return [
            ShownRow(each, names.get(each.row.user_id), is_late(each.row, now))
            for each in listed.greetings
        ]

    def _show(  # noqa: PLR0913, PLR0917 - one parameter for each thing that a page shows
        self,
        request: PageRequest,
        query: MessageQuery,
        rows: Sequence[ShownRow],
        listed: ListedPage,
        counted: Counted | None,
        waiting: Counted | None,
        status_code: int = HTTP_200_OK,
    ) -> Response[str]:
        values: dict[str, Any] = {
            "query": query,
            "rows": rows,
            "listed": listed,
            "counted": counted,
            "waiting": waiting,
            "most": LOOK,
            "next_path": query.path(listed.next) if listed.next else None,
            "first_path": query.path() if query.look.after else None,
            "deeds": deeds_for(query.look.wanted.status),
            "status_names": [(status.value, name) for status, name in STATUS_NAMES.items()],
            "kind_names": KIND_NAMES,
            "zones": sorted(PINNED.names),
            "senders": [(sender, sender) for sender in self._senders],
        }
        return self._shell.page(
            request, "messages.html", "Messages", status_code=status_code, **values
        )


def visitor_of(request: PageRequest) -> Visitor:
    """Return who asks, and what they may do."""
    return Visitor(request.scope["state"].get("caller"))
