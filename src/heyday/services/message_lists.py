"""Let a person look through greetings, a page at a time, and at one from all sides."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from heyday.domain.audit import AuditEntry, AuditFilter, concern
from heyday.domain.errors import MessageNotFound
from heyday.domain.message_filters import Place
from heyday.domain.message_list_ports import MessageListStore
from heyday.domain.message_lists import (
    LOOK,
    Counted,
    LetterRow,
    ListedGreeting,
    ListedPage,
    Look,
    PersonName,
)
from heyday.domain.resolutions import GreetingRow
from heyday.services.auditing import AuditService

_MOST_LINES = 100


class MessageListService:
    """Look through greetings. No call looks at more than LOOK rows, however few of them fit."""

    def __init__(self, store: MessageListStore, audit: AuditService) -> None:
        self._store = store
        self._audit = audit

    async def list_page(self, look: Look, limit: int) -> ListedPage:
        """Return up to `limit` greetings that fit, and where to go on."""
        found = await self._store.look(look, limit + 1, LOOK)
        page = found[:limit]
        if found[limit:]:
            return self._shown(ListedPage(page, _place(page[-1])))
        end = await self._store.find_end(look, LOOK)
        return self._shown(ListedPage(page, end, end.scheduled_send_at if end else None))

    async def list_chunk(self, look: Look, limit: int) -> tuple[list[ListedGreeting], Place | None]:
        """Return up to `limit` greetings that fit, and the place up to which was looked, if any.

        None: there are no more rows.
        """
        found = await self._store.look(look, limit, LOOK)
        if len(found) == limit:
            return found, _place(found[-1])
        return found, await self._store.find_end(look, LOOK)

    async def count(self, look: Look) -> Counted:
        """Return how many of the first LOOK rows fit."""
        fitting, looked = await self._store.count(replace(look, after=None), LOOK + 1)
        return Counted(min(fitting, LOOK), is_exact=looked <= LOOK)

    async def find_names(self, user_ids: Sequence[UUID]) -> Mapping[UUID, PersonName]:
        """Return what people are called."""
        return await self._store.find_names(user_ids) if user_ids else {}

    async def get_letter(self, row: GreetingRow) -> LetterRow:
        """Return what a greeting says, and to whom. Raises MessageNotFound."""
        concern([row.user_id])
        letter = await self._store.find_letter(row.id, row.scheduled_send_at)
        if letter is None:
            raise MessageNotFound
        return letter

    async def list_deeds(self, row: GreetingRow, until: datetime) -> Sequence[AuditEntry]:
        """Return what people did to a greeting's person since it was planned, the latest first."""
        asked = AuditFilter(person_id=row.user_id, since=row.created_at, until=until)
        return await self._audit.list_page(asked, None, _MOST_LINES)

    def _shown(self, page: ListedPage) -> ListedPage:
        concern(page.user_ids)
        return page


def _place(listed: ListedGreeting) -> Place:
    return Place(listed.row.scheduled_send_at, listed.row.id)
