"""Serve the forms by which people are added and changed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Response
from litestar.status_codes import HTTP_200_OK, HTTP_409_CONFLICT, HTTP_422_UNPROCESSABLE_ENTITY

from heyday.domain.access import Scope
from heyday.domain.audit import concern
from heyday.domain.errors import Changed, EmailTaken, FieldProblem, InvalidInput, NotFound
from heyday.domain.ports import Clock
from heyday.services.edits import EditService, Shift
from heyday.services.users import UserService
from heyday.web.person import LOOK, PERSON
from heyday.web.person_form import EMPTY, PersonForm, differences, form_of, read_form
from heyday.web.person_view import PersonView
from heyday.web.person_words import MONTHS, kind_of
from heyday.web.routes import action, page
from heyday.web.shell import PageRequest, Shell
from heyday.web.times import wall
from heyday.web.zone_choices import place_of, zone_choices

NEW = "/people/new"
_TEMPLATE = "person_form.html"


class PersonForms:
    """Bind the forms to the services."""

    def __init__(
        self,
        shell: Shell,
        users: UserService,
        edits: EditService,
        view: PersonView,
        clock: Clock,
    ) -> None:
        self._shell = shell
        self._users = users
        self._edits = edits
        self._view = view
        self._clock = clock

    def handlers(self) -> Sequence[HTTPRouteHandler]:
        """Return the route handlers."""
        return [
            page(NEW, Scope.USERS_WRITE, audit=False)(self.draft_person),
            action(NEW, Scope.USERS_WRITE)(self.create_person),
            page(f"{PERSON}/edit", Scope.USERS_WRITE, audit=LOOK)(self.edit_person),
            action(f"{PERSON}/edit", Scope.USERS_WRITE)(self.replace_person),
        ]

    async def draft_person(self, request: PageRequest) -> Response[str]:
        """Show the form of somebody new."""
        return self._show(request, EMPTY)

    async def create_person(self, request: PageRequest) -> Response[str]:
        """Add a person, and show them."""
        form = await _read(request)
        try:
            user = await self._users.create(form.fields())
        except (InvalidInput, EmailTaken) as error:
            return self._refuse(request, form, error)
        concern([user.id])
        said = "Added. What comes next is below."
        return self._shell.go(request, f"/people/{user.id}", said)

    async def edit_person(self, request: PageRequest, user_id: FromPath[UUID]) -> Response[str]:
        """Show the form of somebody who is there."""
        try:
            user = await self._users.get(user_id)
        except NotFound:
            return self._view.missing(request)
        return self._show(request, form_of(user), user_id)

    async def replace_person(self, request: PageRequest, user_id: FromPath[UUID]) -> Response[str]:
        """Overwrite a person, unless somebody else did since the form was shown."""
        form = await _read(request)
        try:
            edited = await self._edits.replace(user_id, form.fields(), [form.version])
        except NotFound:
            return self._view.missing(request)
        except Changed:
            return await self._show_conflict(request, user_id, form)
        except (InvalidInput, EmailTaken) as error:
            return self._refuse(request, form, error, user_id)
        said = " ".join(["Saved.", *map(write_shift, edited.shifts)])
        return self._shell.go(request, f"/people/{user_id}", said)

    async def _show_conflict(
        self, request: PageRequest, user_id: UUID, form: PersonForm
    ) -> Response[str]:
        """Show what the visitor wants beside what somebody else has stored; either may be kept."""
        try:
            theirs = form_of(await self._users.get(user_id))
        except NotFound:
            return self._view.missing(request)
        mine = PersonForm(form.inputs, theirs.version)
        values = {"conflict": differences(mine, theirs), "is_conflict": True}
        return self._show(request, mine, user_id, status_code=HTTP_409_CONFLICT, **values)

    def _refuse(
        self,
        request: PageRequest,
        form: PersonForm,
        error: InvalidInput | EmailTaken,
        user_id: UUID | None = None,
    ) -> Response[str]:
        if isinstance(error, EmailTaken):
            refused = form.refused([FieldProblem("email", f"is taken: {error}")])
            return self._show(request, refused, user_id, status_code=HTTP_409_CONFLICT)
        refused = form.refused(error.problems)
        return self._show(request, refused, user_id, status_code=HTTP_422_UNPROCESSABLE_ENTITY)

    def _show(
        self,
        request: PageRequest,
        form: PersonForm,
        user_id: UUID | None = None,
        *,
        status_code: int = HTTP_200_OK,
        **values: Any,
    ) -> Response[str]:
        values = {"conflict": [], "is_conflict": False} | values
        return self._shell.page(
            request,
            _TEMPLATE,
            "Change a person" if user_id else "Add a person",
            status_code=status_code,
            form=form,
            user_id=user_id,
            months=MONTHS,
            zones=zone_choices(self._clock.now()),
            **values,
        )


async def _read(request: PageRequest) -> PersonForm:
    return read_form({name: str(value) for name, value in (await request.form()).items()})


def write_shift(shift: Shift) -> str:
    """Return in words how a greeting moved, each instant as the clock there shows it."""
    what = f"The {kind_of(shift.message_type)} greeting"
    was = f"would have left on {_write(shift.from_at, shift.from_zone)}" if shift.from_at else None
    if shift.to_at is None:
        return f"{what} {was}; it does not leave any more."
    leaves = f"leaves on {_write(shift.to_at, shift.to_zone)}"
    return f"{what} {was}; now it {leaves}." if was else f"{what} {leaves}."


def _write(at: datetime, zone: str) -> str:
    return f"{wall(at, zone)} in {place_of(zone)} ({wall(at, 'UTC')} UTC)"
