"""Serve the list of people: filtered by what may stand in an address, searched by a form.

Names and addresses never stand in an address of a page: it would be kept in histories and logs. So
a search is posted, and so is its next page.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect, Response
from litestar.status_codes import HTTP_307_TEMPORARY_REDIRECT

from heyday.domain.access import Scope
from heyday.domain.audit import concern
from heyday.domain.countries import countries
from heyday.domain.errors import InvalidInput
from heyday.domain.finding import USUAL_PAGE, parse_search
from heyday.domain.models import User
from heyday.domain.ports import Clock
from heyday.services.demo import DemoService
from heyday.services.profiles import ProfileService
from heyday.services.users import UserService
from heyday.web.people_filter import LABELS, PeopleQuery, read_query
from heyday.web.person_words import MONTHS, about, name_of, row_of
from heyday.web.routes import action, page
from heyday.web.shell import PageRequest, Shell
from heyday.web.zone_choices import zone_choices

PEOPLE = "/people"
_LIST, _PAGE = "people_list.html", "people.html"


class PeoplePages:
    """Bind the list to what it shows. demo: None where letters leave for real addresses."""

    def __init__(
        self,
        shell: Shell,
        users: UserService,
        profiles: ProfileService,
        demo: DemoService | None,
        clock: Clock,
    ) -> None:
        self._shell = shell
        self._users = users
        self._profiles = profiles
        self._demo = demo
        self._clock = clock

    def handlers(self) -> Sequence[HTTPRouteHandler]:
        """Return the route handlers."""
        found = [
            page(PEOPLE, Scope.USERS_READ)(self.list_people),
            action(f"{PEOPLE}/search", Scope.USERS_READ)(self.search_people),
            page(
                f"{PEOPLE}/search",
                Scope.USERS_READ,
                audit=False,
                status_code=HTTP_307_TEMPORARY_REDIRECT,
            )(self.lead_to_list),
        ]
        if self._demo:
            found.append(action(f"{PEOPLE}/demo", Scope.USERS_WRITE)(self.add_demonstration))
        return found

    async def list_people(self, request: PageRequest) -> Response[str]:
        """Show a page of those who fit the filter, in order of id."""
        query = read_query(dict(request.query_params))
        found: list[User] = []
        if not query.problems:
            found = await self._users.list_page(query.after, USUAL_PAGE + 1, query.wanted)
        people, last = _cut(found)
        return await self._show(
            request,
            people,
            query=query,
            next_path=query.path(last) if last else None,
            first_path=query.path() if query.after else None,
        )

    async def search_people(self, request: PageRequest) -> Response[str]:
        """Show those whose name or address begins as asked for."""
        form = {name: str(value) for name, value in (await request.form()).items()}
        text, after = form.get("query", "").strip(), form.get("after") or None
        values: dict[str, Any] = {"search": text, "query": PeopleQuery({})}
        try:
            wanted = parse_search({"query": text, "after": after})
        except InvalidInput as error:
            detail = "; ".join(problem.detail for problem in error.problems)
            return await self._show(request, [], search_problem=detail, **values)
        people, last = _cut(await self._users.search(wanted, USUAL_PAGE + 1))
        return await self._show(
            request, people, search_after=last, is_later=after is not None, **values
        )

    async def lead_to_list(self) -> Redirect:
        """Lead to the list whoever opens a search again, of which only the form knew the text."""
        return Redirect(PEOPLE, status_code=HTTP_307_TEMPORARY_REDIRECT)

    async def add_demonstration(self, request: PageRequest) -> Response[str]:
        """Add people whose day is today; their letters go to the inbox."""
        assert self._demo  # noqa: S101 - the route is there only with it
        added = await self._demo.add_people()
        said = f"{added} people were added whose day is today. Their letters go to the inbox."
        if not added:
            said = "The people of today are there already."
        return self._shell.go(request, PEOPLE, said)

    async def _show(
        self, request: PageRequest, people: Sequence[User], **values: Any
    ) -> Response[str]:
        """Return the page, or to htmx the list alone."""
        concern([person.id for person in people])
        now = self._clock.now()
        shown = _NOTHING | values
        if not any(shown[name] for name in _GOES_ON):
            people = sorted(people, key=lambda person: name_of(person).casefold())
        shown |= {"people": [row_of(person, now) for person in people]}
        shown |= {"can_demo": self._demo is not None, "shown": len(people)}
        headcount = await self._profiles.estimate()
        shown |= {"headcount": headcount, "about": about(headcount)}
        if request.headers.get("HX-Request") == "true":
            return self._shell.part(request, _LIST, **shown)
        shown |= {"countries": countries().values(), "zones": zone_choices(now), "months": MONTHS}
        return self._shell.page(request, _PAGE, "People", **shown)


_NOTHING: dict[str, Any] = {
    "labels": LABELS,
    "next_path": None,
    "first_path": None,
    "search": None,
    "search_problem": None,
    "search_after": None,
    "is_later": False,
}


# What a list has that is more than a page. One that is not is put in order of names.
_GOES_ON = ("next_path", "first_path", "search_after", "is_later")


def _cut(found: list[User]) -> tuple[list[User], UUID | None]:
    """Return a page, and after whom the next one goes on, if there is more."""
    people = found[:USUAL_PAGE]
    return people, people[-1].id if found[USUAL_PAGE:] else None
