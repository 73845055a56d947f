"""Serve what is done to many greetings at once: it asks, with their number; then it is done."""

from collections.abc import Sequence
from typing import Final

from litestar.handlers import HTTPRouteHandler
from litestar.response import Response
from litestar.status_codes import HTTP_200_OK, HTTP_422_UNPROCESSABLE_ENTITY

from heyday.domain.access import Scope
from heyday.domain.errors import FieldProblem, InvalidInput
from heyday.domain.message_lists import Counted
from heyday.domain.ports import Clock
from heyday.domain.resolutions import LONGEST_NOTE
from heyday.services.bulk_decisions import MOST_AT_ONCE, BulkDecisions, BulkOutcome
from heyday.web.marking import _
from heyday.web.message_forms import BulkForm, read_bulk
from heyday.web.message_query import MESSAGES, MessageQuery, read_query
from heyday.web.message_words import CANCEL, RETRY, Deed
from heyday.web.routes import action, page
from heyday.web.shell import PageRequest, Shell

MANY: Final = f"{MESSAGES}/many"
_OTHERS = (CANCEL, RETRY)
_MOVED_ON = (
    _("%(num)s had moved on meanwhile, and was left as it is."),
    _("%(num)s had moved on meanwhile, and were left as they are."),
)
_LEFT = _("More are left: do the same again to go on.")


class MessageDeeds:
    """Bind the forms of the list to the service."""

    def __init__(self, shell: Shell, bulk: BulkDecisions, clock: Clock) -> None:
        self._shell = shell
        self._bulk = bulk
        self._clock = clock

    def handlers(self) -> Sequence[HTTPRouteHandler]:
        """Return the route handlers. Each deed has the name that it has for one greeting."""
        write = Scope.MESSAGES_WRITE
        return [
            # To be asked is no deed; and who comes back to the question is led to the list.
            action(MANY, write, audit=False)(self.ask_about_many),
            page(MANY, write, audit=False)(self.lead_to_list),
            action(f"{MANY}/cancel", write, audit="message.cancel")(self.cancel_many),
            action(f"{MANY}/retry", write, audit="message.retry")(self.retry_many),
            action(f"{MANY}/resolve", write, audit="message.resolve")(self.resolve_many),
        ]

    async def lead_to_list(self, request: PageRequest) -> Response[str]:
        """Lead to the list."""
        return self._shell.go(request, MESSAGES)

    async def ask_about_many(self, request: PageRequest) -> Response[str]:
        """Ask, with the number of greetings and what follows, and change nothing."""
        try:
            form, query = await self._read(request)
        except InvalidInput as error:
            return self._refuse(request, error)
        return await self._ask(request, form, query)

    async def cancel_many(self, request: PageRequest) -> Response[str]:
        """Cancel them for good."""
        return await self._decide(request, CANCEL)

    async def retry_many(self, request: PageRequest) -> Response[str]:
        """Send them again."""
        return await self._decide(request, RETRY)

    async def resolve_many(self, request: PageRequest) -> Response[str]:
        """Settle them as sent, or give them up."""
        return await self._decide(request, None)

    async def _decide(self, request: PageRequest, deed: Deed | None) -> Response[str]:
        try:
            form, query = await self._read(request)
        except InvalidInput as error:
            return self._refuse(request, error)
        is_other = form.deed is not deed if deed else form.deed in _OTHERS
        if form.agreed is None or is_other:
            return await self._ask(request, form, query)
        try:
            outcome = await self._change(form, query, form.agreed)
        except InvalidInput as error:
            return await self._ask(request, form, query, error)
        return self._shell.go(request, query.path(), self._said(form.deed, outcome))

    async def _change(self, form: BulkForm, query: MessageQuery, agreed: int) -> BulkOutcome:
        target, note = form.deed.target, form.note
        if form.is_for_all:
            return await self._bulk.decide_all(query.look, target, note, agreed)
        return await self._bulk.decide_some(form.ids, target, note)

    async def _read(self, request: PageRequest) -> tuple[BulkForm, MessageQuery]:
        """Return what a form asks for, and of which list. Raises InvalidInput."""
        form = read_bulk(await request.form())
        query = read_query(form.filter, self._clock.now())
        if query.problems:
            raise InvalidInput([FieldProblem(name, detail) for name, detail in query.problems])
        return form, query

    async def _ask(
        self,
        request: PageRequest,
        form: BulkForm,
        query: MessageQuery,
        error: InvalidInput | None = None,
    ) -> Response[str]:
        counted = Counted(len(form.ids), is_exact=True)
        if form.is_for_all:
            counted = await self._bulk.count(query.look, form.deed.target)
        return self._shell.page(
            request,
            "messages_ask.html",
            "Messages",
            status_code=HTTP_422_UNPROCESSABLE_ENTITY if error else HTTP_200_OK,
            form=form,
            query=query,
            counted=counted,
            target=f"{MANY}/{form.deed.path}",
            most_at_once=MOST_AT_ONCE,
            longest_note=LONGEST_NOTE,
            problems=[(each.name, each.detail) for each in error.problems] if error else [],
        )

    def _refuse(self, request: PageRequest, error: InvalidInput) -> Response[str]:
        return self._shell.page(
            request,
            "messages_refused.html",
            "Messages",
            status_code=HTTP_422_UNPROCESSABLE_ENTITY,
            problems=[(each.name, each.detail) for each in error.problems],
            path=MESSAGES,
        )

    def _said(self, deed: Deed, outcome: BulkOutcome) -> str:
        said = [self._count(deed.done, outcome.changed)]
        if outcome.moved_on:
            said.append(self._count(_MOVED_ON, outcome.moved_on))
        if not outcome.is_whole:
            said.append(self._shell.say(_LEFT))
        return " ".join(said)

    def _count(self, words: tuple[str, str], number: int) -> str:
        one, many = words
        return self._shell.say(one, number, many)
