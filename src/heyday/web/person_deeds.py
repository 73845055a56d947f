"""Serve what is done to a person by a button: leaving, coming back, and the end of their data."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final
from uuid import UUID

from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Response
from litestar.status_codes import HTTP_200_OK, HTTP_409_CONFLICT, HTTP_422_UNPROCESSABLE_ENTITY

from heyday.domain.access import Scope
from heyday.domain.errors import Conflict, EmailTaken, FieldProblem, InvalidInput, NotFound
from heyday.services.privacy import PrivacyService
from heyday.services.profiles import ProfileService
from heyday.services.users import UserService
from heyday.web.person import LOOK, PERSON
from heyday.web.person_view import PersonView
from heyday.web.person_words import KINDS, kind_of, name_of
from heyday.web.routes import action, page
from heyday.web.shell import PageRequest, Shell

ERASING_WORD: Final = "ERASE"
"""What is typed by whoever means it; or the person's id."""

EVERY_TYPE: Final = "ALL"
"""What a button is about that stops all greetings, or brings all of them back."""

_TYPES: Final = frozenset(name for name, _ in KINDS)


class PersonDeeds:
    """Bind the buttons, and the pages that ask before what is hard to take back."""

    def __init__(
        self,
        shell: Shell,
        users: UserService,
        profiles: ProfileService,
        privacy: PrivacyService,
        view: PersonView,
    ) -> None:
        self._shell = shell
        self._users = users
        self._profiles = profiles
        self._privacy = privacy
        self._view = view

    def handlers(self) -> Sequence[HTTPRouteHandler]:
        """Return the route handlers."""
        write, admin = Scope.USERS_WRITE, Scope.ADMIN
        return [
            page(f"{PERSON}/delete", write, audit=LOOK)(self.ask_whether_to_delete),
            action(f"{PERSON}/delete", write)(self.delete_person),
            action(f"{PERSON}/undelete", write)(self.undelete_person),
            action(f"{PERSON}/unsubscribe", write)(self.unsubscribe_person),
            action(f"{PERSON}/resubscribe", write)(self.resubscribe_person),
            page(f"{PERSON}/export", Scope.USERS_READ)(self.export_person),
            page(f"{PERSON}/erase", admin, audit=LOOK)(self.ask_whether_to_erase),
            action(f"{PERSON}/erase", admin)(self.erase_person),
        ]

    async def ask_whether_to_delete(
        self, request: PageRequest, user_id: FromPath[UUID]
    ) -> Response[str]:
        """Ask, for whom the dialog of the page does not open, and change nothing."""
        return await self._ask(request, user_id, "person_delete.html", "Delete a person?")

    async def delete_person(self, request: PageRequest, user_id: FromPath[UUID]) -> Response[str]:
        """Delete a person; their page then offers to take it back."""
        # Done twice, it is as done once: their page says since when they are deleted.
        with suppress(NotFound):
            await self._users.delete(user_id)
        return self._shell.go(request, f"/people/{user_id}")

    async def undelete_person(self, request: PageRequest, user_id: FromPath[UUID]) -> Response[str]:
        """Take a deletion back."""
        try:
            await self._users.undelete(user_id)
        except NotFound:
            return self._view.missing(request)
        except EmailTaken as error:
            return await self._view.show(
                request, user_id, refusal=str(error), status_code=HTTP_409_CONFLICT
            )
        said = "The deletion was taken back. What is still to come is planned again."
        return self._shell.go(request, f"/people/{user_id}", said)

    async def unsubscribe_person(
        self, request: PageRequest, user_id: FromPath[UUID]
    ) -> Response[str]:
        """Greet a person no more, by one message type or by any."""
        try:
            message_type = await _read_type(request)
            await self._users.unsubscribe(user_id, message_type=message_type)
        except NotFound:
            return self._view.missing(request)
        except InvalidInput as error:
            return await self._refuse(request, user_id, error)
        said = f"Done: no more {_greetings(message_type)}. What had not left is cancelled."
        return self._shell.go(request, f"/people/{user_id}", said)

    async def resubscribe_person(
        self, request: PageRequest, user_id: FromPath[UUID]
    ) -> Response[str]:
        """Greet a person again."""
        try:
            message_type = await _read_type(request)
            await self._users.resubscribe(user_id, message_type=message_type)
        except NotFound:
            return self._view.missing(request)
        except InvalidInput as error:
            return await self._refuse(request, user_id, error)
        said = f"Done: {_greetings(message_type)} come again. What was missed is not made up for."
        return self._shell.go(request, f"/people/{user_id}", said)

    async def export_person(self, request: PageRequest, user_id: FromPath[UUID]) -> Response[Any]:
        """Hand over everything about a person as a file."""
        try:
            dossier: Mapping[str, object] = await self._privacy.export(user_id)
        except NotFound:
            return self._view.missing(request)
        headers = {"Content-Disposition": f'attachment; filename="person-{user_id}.json"'}
        return Response(dossier, media_type="application/json", headers=headers)

    async def ask_whether_to_erase(
        self, request: PageRequest, user_id: FromPath[UUID]
    ) -> Response[str]:
        """Say what is lost for good, and ask for a word that nobody types by mistake."""
        return await self._ask_to_erase(request, user_id)

    async def erase_person(self, request: PageRequest, user_id: FromPath[UUID]) -> Response[str]:
        """Take out everything about a person, if the word was typed."""
        typed = str((await request.form()).get("confirm", "")).strip()
        if typed.lower() not in {ERASING_WORD.lower(), str(user_id)}:
            problem = f"is not {ERASING_WORD}; nothing was erased"
            return await self._ask_to_erase(
                request, user_id, problem, status_code=HTTP_422_UNPROCESSABLE_ENTITY
            )
        try:
            await self._privacy.erase(user_id)
        except NotFound:
            return self._view.missing(request)
        except Conflict as error:
            return await self._ask_to_erase(
                request, user_id, str(error), status_code=HTTP_409_CONFLICT
            )
        said = "Erased, for good. Their address will be greeted no more."
        return self._shell.go(request, "/people", said)

    async def _refuse(
        self, request: PageRequest, user_id: UUID, error: InvalidInput
    ) -> Response[str]:
        return await self._view.show(
            request, user_id, refusal=str(error), status_code=HTTP_422_UNPROCESSABLE_ENTITY
        )

    async def _ask_to_erase(
        self,
        request: PageRequest,
        user_id: UUID,
        problem: str | None = None,
        *,
        status_code: int = HTTP_200_OK,
    ) -> Response[str]:
        values = {"problem": problem, "word": ERASING_WORD, "status_code": status_code}
        return await self._ask(request, user_id, "person_erase.html", "Erase a person?", **values)

    async def _ask(
        self, request: PageRequest, user_id: UUID, template: str, title: str, **values: Any
    ) -> Response[str]:
        try:
            user = await self._profiles.get(user_id)
        except NotFound:
            return self._view.missing(request)
        return self._shell.page(request, template, title, user=user, name=name_of(user), **values)


async def _read_type(request: PageRequest) -> str | None:
    """Return the message type that a button is about; None: all. Raises InvalidInput for others."""
    given = str((await request.form()).get("message_type", ""))
    if given == EVERY_TYPE:
        return None
    if given not in _TYPES:
        known = ", ".join([*sorted(_TYPES), EVERY_TYPE])
        raise InvalidInput([FieldProblem("message_type", f"is none; known: {known}")])
    return given


def _greetings(message_type: str | None) -> str:
    return f"{kind_of(message_type)} greetings" if message_type else "greetings of any kind"
