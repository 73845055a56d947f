"""Serve the texts of greetings: in which languages there are some, and each, to be written.

As somebody types, what comes of it is shown beside it. Without JavaScript a button shows it.
"""

from collections.abc import Sequence
from typing import Any

from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from litestar.response import Response
from litestar.status_codes import (
    HTTP_200_OK,
    HTTP_403_FORBIDDEN,
    HTTP_409_CONFLICT,
    HTTP_422_UNPROCESSABLE_ENTITY,
)

from heyday.domain.access import Scope
from heyday.domain.errors import InvalidInput, TextChanged, TextNotFound
from heyday.domain.locales import normalize_locale
from heyday.domain.message_types import MESSAGE_TYPES
from heyday.services.languages import LanguageService
from heyday.services.trial import TrialLetter, TrialService
from heyday.web.letter_frame import SANDBOX, Look, show_letter
from heyday.web.routes import action, page
from heyday.web.shell import PageRequest, Shell, Visitor, _
from heyday.web.text_desk import YEARS, Desk, TextDesk
from heyday.web.text_drafts import MOST_BYTES, find_flaws
from heyday.web.text_names import direction_of, name_of, native_name_of

ITEM = "/texts/{message_type:str}/{language:str}"
_READ, _WRITE = Scope.MESSAGES_READ, Scope.MESSAGES_WRITE
_DRAFT: dict[str, Any] = {"request_max_body_size": MOST_BYTES}
# Asked at each pause in typing, and nobody is looked at: there is nothing to note.
_AS_TYPED: dict[str, Any] = {**_DRAFT, "audit": False}


class TextPages:
    """Bind the pages of texts to the services."""

    def __init__(
        self, shell: Shell, desk: TextDesk, languages: LanguageService, trial: TrialService
    ) -> None:
        self._shell = shell
        self._desk = desk
        self._languages = languages
        self._trial = trial

    def handlers(self) -> Sequence[HTTPRouteHandler]:
        """Return the route handlers. What may name a person has a path of its own: it is noted."""
        return [
            page("/texts", _READ)(self.list_texts),
            page("/texts/open", _READ, audit=False)(self.open_text),
            page(ITEM, _READ)(self.show_text),
            action(ITEM, _WRITE, **_DRAFT)(self.put_text),
            action(f"{ITEM}/delete", _WRITE, **_DRAFT)(self.delete_text),
            action(f"{ITEM}/try", _WRITE, **_DRAFT)(self.try_text),
            action(f"{ITEM}/preview", _READ, **_AS_TYPED)(self.preview_draft),
            action(f"{ITEM}/preview/people", _READ, **_DRAFT)(self.preview_text),
            page(f"{ITEM}/letter", _READ)(self.show_text_letter),
            action(f"{ITEM}/letter", _READ, **_AS_TYPED)(self.preview_draft_letter),
            action(f"{ITEM}/letter/people", _READ, **_DRAFT)(self.preview_text_letter),
        ]

    async def list_texts(self, request: PageRequest) -> Response[str]:
        """Show all languages, and which of their texts are one's own."""
        return await self._list(request)

    async def open_text(
        self, request: PageRequest, kind: FromQuery[str] = "", language: FromQuery[str] = ""
    ) -> Response[str]:
        """Lead to a text by its type and language, which may have none yet."""
        if not language.strip():
            return await self._list(request)
        tag = normalize_locale(language.strip())
        if tag is None or name_of(tag) is None:
            return await self._list(request, language, HTTP_422_UNPROCESSABLE_ENTITY)
        known = [message_type.name for message_type in MESSAGE_TYPES]
        return self._shell.go(request, f"/texts/{kind if kind in known else known[0]}/{tag}")

    async def show_text(
        self, request: PageRequest, message_type: FromPath[str], language: FromPath[str]
    ) -> Response[str]:
        """Show a text as it is written, and what comes of it."""
        desk = await self._desk.open(request, message_type, language)
        if not desk.is_new:
            await self._desk.preview(desk)
        return self._show(request, desk)

    async def put_text(
        self, request: PageRequest, message_type: FromPath[str], language: FromPath[str]
    ) -> Response[str]:
        """Store a text, unless somebody else has stored another since it was opened."""
        desk = await self._desk.open(request, message_type, language)
        try:
            await self._desk.put(desk)
        except InvalidInput as error:
            desk.flaws = find_flaws(desk.draft, error.problems)
            return self._show(request, desk, HTTP_422_UNPROCESSABLE_ENTITY)
        except TextChanged:
            return await self._show_overtaken(request, desk)
        said = _(
            "Saved. Greetings planned from now on say so; those planned already, up to 48 hours "
            "ahead, keep their words."
        )
        chosen = f"?person={desk.person.id}" if desk.person else ""
        return self._shell.go(request, f"{desk.path}{chosen}", said=said)

    async def delete_text(
        self, request: PageRequest, message_type: FromPath[str], language: FromPath[str]
    ) -> Response[str]:
        """Remove a text of one's own: the ready one is back, if there is one."""
        desk = await self._desk.open(request, message_type, language)
        try:
            await self._desk.delete(desk)
        except TextChanged:
            return await self._show_overtaken(request, desk)
        except TextNotFound:
            return self._shell.go(request, "/texts", said=_("That text was removed already."))
        said = _("Your text is gone. Greetings planned from now on have the ready one.")
        return self._shell.go(request, "/texts", said=said)

    async def try_text(
        self, request: PageRequest, message_type: FromPath[str], language: FromPath[str]
    ) -> Response[str]:
        """Send the draft to an address that was typed in, through each sender in force."""
        desk = await self._desk.open(request, message_type, language)
        await self._desk.preview(desk)
        status = HTTP_422_UNPROCESSABLE_ENTITY
        if desk.flaws:
            return self._answer(request, desk, "text_tried.html", status)
        letter = TrialLetter(desk.message_type, desk.language, await self._desk.compose(desk))
        try:
            desk.tried = await self._trial.send(desk.form.get("address", "").strip(), letter)
        except InvalidInput as error:
            desk.address_problem = error.problems[0].detail
            return self._answer(request, desk, "text_tried.html", status)
        return self._answer(request, desk, "text_tried.html")

    async def preview_draft(
        self, request: PageRequest, message_type: FromPath[str], language: FromPath[str]
    ) -> Response[str]:
        """Show what comes of a draft for somebody invented."""
        desk = await self._desk.open(request, message_type, language, with_people=False)
        await self._desk.preview(desk)
        return self._answer(request, desk, "text_shown.html")

    async def preview_text(
        self, request: PageRequest, message_type: FromPath[str], language: FromPath[str]
    ) -> Response[str]:
        """Show what comes of a draft for a person, or who might be meant."""
        desk = await self._desk.open(request, message_type, language)
        if not Visitor(request.scope["state"].get("caller")).may(Scope.USERS_READ):
            return self._show(request, desk, HTTP_403_FORBIDDEN)
        await self._desk.search(desk)
        await self._desk.preview(desk)
        return self._answer(request, desk, "text_people.html")

    async def show_text_letter(
        self, request: PageRequest, message_type: FromPath[str], language: FromPath[str]
    ) -> Response[str]:
        """Show the HTML of a stored text, for a frame."""
        desk = await self._desk.open(request, message_type, language)
        return await self._letter(desk)

    async def preview_draft_letter(
        self, request: PageRequest, message_type: FromPath[str], language: FromPath[str]
    ) -> Response[str]:
        """Show the HTML of a draft for somebody invented, for a frame."""
        desk = await self._desk.open(request, message_type, language, with_people=False)
        return await self._letter(desk)

    async def preview_text_letter(
        self, request: PageRequest, message_type: FromPath[str], language: FromPath[str]
    ) -> Response[str]:
        """Show the HTML of a draft for a person, for a frame."""
        desk = await self._desk.open(request, message_type, language)
        return await self._letter(desk)

    async def _letter(self, desk: Desk) -> Response[str]:
        await self._desk.preview(desk)
        if desk.composed is None or desk.composed.html is None:
            raise NotFoundException
        return show_letter(desk.composed.html, Look.read(desk.form.get("look")))

    async def _show_overtaken(self, request: PageRequest, desk: Desk) -> Response[str]:
        await self._desk.overtake(desk)
        await self._desk.preview(desk)
        return self._show(request, desk, HTTP_409_CONFLICT)

    async def _list(
        self, request: PageRequest, unknown: str | None = None, status_code: int = HTTP_200_OK
    ) -> Response[str]:
        found = await self._languages.list_all()
        return self._shell.page(
            request,
            "texts.html",
            _("Texts"),
            status_code=status_code,
            languages=found.items,
            estimated_at=found.estimated_at,
            kinds=[message_type.name for message_type in MESSAGE_TYPES],
            unknown=unknown,
            name_of=name_of,
            native_name_of=native_name_of,
            direction_of=direction_of,
        )

    def _answer(
        self, request: PageRequest, desk: Desk, part: str, status_code: int = HTTP_200_OK
    ) -> Response[str]:
        """Return a part of the page for who has the rest of it, else the whole."""
        if "HX-Request" not in request.headers:
            return self._show(request, desk, status_code)
        return self._shell.part(request, part, **self._values(desk))

    def _show(
        self, request: PageRequest, desk: Desk, status_code: int = HTTP_200_OK
    ) -> Response[str]:
        title = f"{desk.message_type.capitalize()}, {name_of(desk.language)}"
        values = self._values(desk)
        return self._shell.page(request, "text.html", title, status_code=status_code, **values)

    def _values(self, desk: Desk) -> dict[str, Any]:
        return {
            "desk": desk,
            "senders": self._trial.senders,
            "language_name": name_of(desk.language),
            "native_name": native_name_of(desk.language),
            "direction": direction_of(desk.language),
            "sandbox": SANDBOX,
            "years_choices": YEARS,
        }
