"""Serve the page of a person, and what it asks for by itself."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect, Response
from litestar.status_codes import HTTP_307_TEMPORARY_REDIRECT

from heyday.domain.access import Scope
from heyday.domain.explaining import EARLIEST_ON, LATEST_ON
from heyday.web.person_view import PersonView
from heyday.web.routes import action, page
from heyday.web.shell import PageRequest

PERSON = "/people/{user_id:uuid}"
LOOK = "person.show"
"""What the audit log calls every page that shows a person, whatever else it asks."""

_NO_DATE = f"expected a date from {EARLIEST_ON} to {LATEST_ON}, written YYYY-MM-DD"


class PersonPages:
    """Bind the page to what it shows."""

    def __init__(self, view: PersonView) -> None:
        self._view = view

    def handlers(self) -> Sequence[HTTPRouteHandler]:
        """Return the route handlers. A date is asked about by a form: it may be a birthday."""
        return [
            page(PERSON, Scope.USERS_READ)(self.show_person),
            page(f"{PERSON}/greetings", Scope.USERS_READ, audit=LOOK)(self.list_greetings),
            action(f"{PERSON}/explanation", Scope.USERS_READ)(self.explain_person),
            page(
                f"{PERSON}/explanation",
                Scope.USERS_READ,
                audit=False,
                status_code=HTTP_307_TEMPORARY_REDIRECT,
            )(self.lead_to_person),
        ]

    async def show_person(self, request: PageRequest, user_id: FromPath[UUID]) -> Response[str]:
        """Show everything about a person, deleted or not."""
        return await self._view.show(request, user_id)

    async def list_greetings(self, request: PageRequest, user_id: FromPath[UUID]) -> Response[str]:
        """Show the greetings before one of them, on the page or for it."""
        before = _read_id(request.query_params.get("before", ""))
        if request.headers.get("HX-Request") == "true":
            return await self._view.show_greetings(request, user_id, before)
        return await self._view.show(request, user_id, before=before)

    async def explain_person(self, request: PageRequest, user_id: FromPath[UUID]) -> Response[str]:
        """Say why they are greeted on a date, or are not, on the page or for it."""
        asked = str((await request.form()).get("on", "")).strip()
        on, problem = _read_date(asked)
        if request.headers.get("HX-Request") == "true":
            return await self._view.show_explanation(request, user_id, on, asked, problem)
        return await self._view.show(request, user_id, on=on, asked=asked, problem=problem)

    async def lead_to_person(self, user_id: FromPath[UUID]) -> Redirect:
        """Lead to the page whoever opens an explanation again."""
        return Redirect(f"/people/{user_id}", status_code=HTTP_307_TEMPORARY_REDIRECT)


def _read_date(text: str) -> tuple[date | None, str | None]:
    """Return a date, or what is wrong with it; nothing asks for the next occasion."""
    if not text:
        return None, None
    try:
        on = date.fromisoformat(text)
    except ValueError:
        return None, _NO_DATE
    return (on, None) if EARLIEST_ON <= on <= LATEST_ON else (None, _NO_DATE)


def _read_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
