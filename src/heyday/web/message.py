"""Serve one greeting: what it says, all that happened to it, and what can be done about it."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Response
from litestar.status_codes import (
    HTTP_200_OK,
    HTTP_409_CONFLICT,
    HTTP_422_UNPROCESSABLE_ENTITY,
)

from heyday.domain.access import Scope
from heyday.domain.errors import Conflict, HeydayError, InvalidInput, MessageNotFound
from heyday.domain.message_types import get_message_type
from heyday.domain.ports import Clock
from heyday.domain.resolutions import LONGEST_NOTE, History
from heyday.domain.text_ports import UNSUBSCRIBE_PLACE
from heyday.services.message_lists import MessageListService
from heyday.services.resolving import ResolutionService
from heyday.services.text_preview import SAMPLE_LINK
from heyday.web.letter_frame import SANDBOX, show_letter
from heyday.web.message_forms import read_note
from heyday.web.message_query import MESSAGES
from heyday.web.message_words import (
    CANCEL,
    GIVE_UP,
    KIND_NAMES,
    RETRY,
    SENT,
    STATUS_MEANINGS,
    Deed,
    offers_for,
)
from heyday.web.messages import visitor_of
from heyday.web.routes import action, page
from heyday.web.shell import PageRequest, Shell
from heyday.web.timeline import timeline

MESSAGE: Final = f"{MESSAGES}/{{message_id:uuid}}"
_SETTLEMENTS: Final = {deed.name: deed for deed in (SENT, GIVE_UP)}


class MessagePage:
    """Bind the page of one greeting, and what its buttons do, to the services."""

    def __init__(
        self,
        shell: Shell,
        messages: ResolutionService,
        lists: MessageListService,
        clock: Clock,
    ) -> None:
        self._shell = shell
        self._messages = messages
        self._lists = lists
        self._clock = clock

    def handlers(self) -> Sequence[HTTPRouteHandler]:
        """Return the route handlers."""
        read, write = Scope.MESSAGES_READ, Scope.MESSAGES_WRITE
        return [
            page(MESSAGE, read)(self.show_message),
            page(f"{MESSAGE}/letter", read)(self.show_letter),
            action(f"{MESSAGE}/cancel", write)(self.cancel_message),
            action(f"{MESSAGE}/retry", write)(self.retry_message),
            action(f"{MESSAGE}/resolve", write)(self.resolve_message),
        ]

    async def show_message(self, request: PageRequest, message_id: FromPath[UUID]) -> Response[str]:
        """Show one greeting from all sides."""
        return await self._show(request, message_id)

    async def show_letter(self, request: PageRequest, message_id: FromPath[UUID]) -> Response[str]:
        """Show the HTML of the letter, for the frame of the page."""
        row = (await self._history(message_id)).greeting
        letter = await self._lists.get_letter(row)
        if not letter.html or not _may_read(request):
            raise NotFoundException
        return show_letter(letter.html.replace(UNSUBSCRIBE_PLACE, SAMPLE_LINK))

    async def cancel_message(
        self, request: PageRequest, message_id: FromPath[UUID]
    ) -> Response[str]:
        """Cancel it for good."""
        return await self._decide(request, message_id, CANCEL)

    async def retry_message(
        self, request: PageRequest, message_id: FromPath[UUID]
    ) -> Response[str]:
        """Send it again."""
        return await self._decide(request, message_id, RETRY)

    async def resolve_message(
        self, request: PageRequest, message_id: FromPath[UUID]
    ) -> Response[str]:
        """Settle it as sent, or give it up."""
        chosen = (await request.form()).get("do")
        deed = _SETTLEMENTS.get(str(chosen))
        if deed is None:
            raise NotFoundException
        return await self._decide(request, message_id, deed)

    async def _decide(self, request: PageRequest, message_id: UUID, deed: Deed) -> Response[str]:
        form = await request.form()
        try:
            await self._messages.decide(message_id, deed.target, read_note(form))
        except MessageNotFound:
            raise NotFoundException from None
        except (Conflict, InvalidInput) as error:
            return await self._show(request, message_id, error)
        one, many = deed.done
        said = self._shell.say(one, 1, many)
        return self._shell.go(request, f"{MESSAGES}/{message_id}", said)

    async def _show(
        self, request: PageRequest, message_id: UUID, fault: HeydayError | None = None
    ) -> Response[str]:
        history = await self._history(message_id)
        row = history.greeting
        letter = await self._lists.get_letter(row)
        is_admin = visitor_of(request).may(Scope.ADMIN)
        deeds = await self._lists.list_deeds(row, self._clock.now()) if is_admin else ()
        status_code = HTTP_200_OK
        if fault:
            is_conflict = isinstance(fault, Conflict)
            status_code = HTTP_409_CONFLICT if is_conflict else HTTP_422_UNPROCESSABLE_ENTITY
        return self._shell.page(
            request,
            "message.html",
            "Message",
            status_code=status_code,
            row=row,
            letter=letter,
            is_open=_may_read(request),
            subject=letter.subject or get_message_type(row.message_type).subject,
            text=letter.text.replace(UNSUBSCRIBE_PLACE, SAMPLE_LINK),
            moments=timeline(history, deeds),
            kind_names=KIND_NAMES,
            meaning=STATUS_MEANINGS[row.status],
            offers=offers_for(row, self._messages.is_too_late),
            fault=_told(fault) if fault else None,
            longest_note=LONGEST_NOTE,
            sandbox=SANDBOX,
        )

    async def _history(self, message_id: UUID) -> History:
        try:
            return await self._messages.get_history(str(message_id))
        except MessageNotFound:
            raise NotFoundException from None


def _may_read(request: PageRequest) -> bool:
    """Tell whether the visitor may see people, and so what is written to them."""
    return visitor_of(request).may(Scope.USERS_READ)


def _told(fault: HeydayError) -> str:
    if isinstance(fault, InvalidInput):
        return "; ".join(f"{problem.name} {problem.detail}" for problem in fault.problems)
    return str(fault)
