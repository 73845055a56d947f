"""Serve people at /api/v1/users, and at the short forms /user and /user/{id}."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from litestar import delete, get, patch, post, put
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency, Provide
from litestar.exceptions import ValidationException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter, SkipValidation
from litestar.response import Response
from litestar.status_codes import HTTP_200_OK, HTTP_304_NOT_MODIFIED

from heyday.api.bodies import ObjectBody
from heyday.api.compression import UNCOMPRESSED
from heyday.api.etags import ETAG, NOT_MODIFIED, IfMatch, IfNoneMatch, etag, expected, is_known
from heyday.api.filters import read_filter
from heyday.api.people import show_page, show_person
from heyday.api.refusals import ANY_BODY, refusals
from heyday.api.shapes import Person, PersonBody, PersonPage, PersonPatch
from heyday.api.short_way import ShortReply, ShortWay
from heyday.domain.access import Scope
from heyday.domain.errors import Changed, EmailTaken, NotFound
from heyday.domain.finding import LONGEST_PAGE, USUAL_PAGE, PeopleFilter
from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.models import User
from heyday.services.users import UserService

PEOPLE = "/api/v1/users"
SHORT = "/user"

OfType = Annotated[
    str | None,
    QueryParameter(
        pattern=f"^({'|'.join(t.name for t in MESSAGE_TYPES)})$",
        description="Greetings of this message type alone; left out: all.",
    ),
]
"""The message type that somebody leaves or comes back to."""

_LOCATION = ResponseHeader(
    name="Location", description="Where the new person is found.", documentation_only=True
)


class UserRoutes:
    """Bind the routes of people to the service."""

    def __init__(self, users: UserService) -> None:
        self._users = users

    def handlers(self) -> Sequence[HTTPRouteHandler]:
        """Return the route handlers. The short forms call the same methods as the long ones."""
        list_people = get(
            PEOPLE,
            tags=["People"],
            summary="List people",
            scope=Scope.USERS_READ,
            responses=refusals(ValidationException),
            dependencies={"wanted": Provide(read_filter, sync_to_thread=False)},
        )
        change_person = patch(
            f"{PEOPLE}/{{user_id:uuid}}",
            dto=ObjectBody[PersonPatch],
            return_dto=None,
            tags=["People"],
            summary="Change some fields of a person",
            scope=Scope.USERS_WRITE,
            **self._tagged(NotFound, Changed, *ANY_BODY),
        )
        return [
            list_people(self.list_people),
            *self._both_forms(PEOPLE, tag="People"),
            change_person(self.change_person),
            *self._leaving_and_coming_back(),
            *self._both_forms(SHORT, tag="Shortcuts"),
        ]

    def _tagged(
        self, *errors: type[Exception], headers: Sequence[ResponseHeader] = ()
    ) -> dict[str, Any]:
        """Return what the routes have that answer with one person. An ETag names bytes as sent."""
        sent_plain = {"response_headers": [ETAG, *headers], "opt": {UNCOMPRESSED: True}}
        return {"responses": refusals(*errors)} | sent_plain

    def _conditional(self, *errors: type[Exception]) -> dict[str, Any]:
        """Return what the route has that shows one person, unless the caller knows them."""
        options = self._tagged(*errors)
        options["responses"][HTTP_304_NOT_MODIFIED] = NOT_MODIFIED
        options["middleware"] = [ShortWay({"if_none_match": b"if-none-match"}, has_body=False)]
        return options

    def _adding(self) -> dict[str, Any]:
        """Return what the routes have that add a person."""
        options = self._tagged(*ANY_BODY, headers=[_LOCATION])
        return options | {"middleware": [ShortWay(has_body=True)]}

    def _leaving_and_coming_back(self) -> Sequence[HTTPRouteHandler]:
        """Return the handlers that take no body and may be repeated: each answers the person."""
        item = f"{PEOPLE}/{{user_id:uuid}}"
        undelete_person = post(
            f"{item}/undelete",
            status_code=HTTP_200_OK,
            tags=["People"],
            summary="Take a deletion back",
            scope=Scope.USERS_WRITE,
            **self._tagged(NotFound, Changed, EmailTaken),
        )
        unsubscribe_person = post(
            f"{item}/unsubscribe",
            status_code=HTTP_200_OK,
            tags=["People"],
            summary="Greet a person no more",
            scope=Scope.USERS_WRITE,
            **self._tagged(NotFound, Changed, ValidationException),
        )
        resubscribe_person = post(
            f"{item}/resubscribe",
            status_code=HTTP_200_OK,
            tags=["People"],
            summary="Greet a person again",
            scope=Scope.USERS_WRITE,
            **self._tagged(NotFound, Changed, ValidationException),
        )
        return [
            undelete_person(self.undelete_person),
            unsubscribe_person(self.unsubscribe_person),
            resubscribe_person(self.resubscribe_person),
        ]

    def _both_forms(self, path: str, tag: str) -> Sequence[HTTPRouteHandler]:
        """Return the handlers that a long path and a short one have in common."""
        item = f"{path}/{{user_id:uuid}}"
        body = ObjectBody[PersonBody]
        writes: dict[str, Any] = {"tags": [tag], "scope": Scope.USERS_WRITE}
        create_person = post(
            path,
            dto=body,
            return_dto=None,
            summary="Add a person",
            **writes,
            **self._adding(),
        )
        get_person = get(
            item,
            tags=[tag],
            summary="Show a person",
            scope=Scope.USERS_READ,
            **self._conditional(NotFound),
        )
        replace_person = put(
            item,
            dto=body,
            return_dto=None,
            summary="Overwrite a person",
            **writes,
            **self._tagged(NotFound, Changed, *ANY_BODY),
        )
        delete_person = delete(
            item,
            summary="Delete a person",
            **writes,
            responses=refusals(NotFound, Changed),
        )
        return [
            create_person(self.create_person),
            get_person(self.get_person),
            replace_person(self.replace_person),
            delete_person(self.delete_person),
        ]

    async def create_person(self, data: JSONBody[Mapping[str, object]]) -> Response[Person]:
        """Add a person. Their next greetings are planned at once."""
        user = await self._users.create(data)
        return _reply(user, {"Location": f"{PEOPLE}/{user.id}"})

    async def list_people(
        self,
        wanted: NamedDependency[SkipValidation[PeopleFilter]],
        limit: Annotated[
            int, QueryParameter(ge=1, le=LONGEST_PAGE, description="People on a page.")
        ] = USUAL_PAGE,
        after: FromQuery[UUID | None] = None,
    ) -> PersonPage:
        """List people in order of id. Give `next` of a page as `after` to get the next one.

        Filters are combined: those are listed who fit all of them. Repeat them with each page.
        """
        return show_page(await self._users.list_page(after, limit + 1, wanted), limit)

    async def get_person(
        self, user_id: FromPath[UUID], if_none_match: IfNoneMatch = None
    ) -> Response[Person]:
        """Show a person."""
        user = await self._users.get(user_id)
        if is_known(user.version, if_none_match):
            headers = etag(user.version)
            return ShortReply[Any](None, status_code=HTTP_304_NOT_MODIFIED, headers=headers)
        return _reply(user)

    async def replace_person(
        self,
        user_id: FromPath[UUID],
        data: JSONBody[Mapping[str, object]],
        if_match: IfMatch = None,
    ) -> Response[Person]:
        """Overwrite a person; optional fields left out are emptied. Greetings follow at once."""
        return _reply(await self._users.replace(user_id, data, expected(if_match)))

    async def change_person(
        self,
        user_id: FromPath[UUID],
        data: JSONBody[Mapping[str, object]],
        if_match: IfMatch = None,
    ) -> Response[Person]:
        """Change the fields given; null empties an optional one. Greetings follow at once."""
        return _reply(await self._users.patch(user_id, data, expected(if_match)))

    async def delete_person(self, user_id: FromPath[UUID], if_match: IfMatch = None) -> None:
        """Delete a person. No greeting leaves afterwards, and the address is free again."""
        await self._users.delete(user_id, expected(if_match))

    async def undelete_person(
        self, user_id: FromPath[UUID], if_match: IfMatch = None
    ) -> Response[Person]:
        """Take a deletion back.

        Greetings that are still to come will come, also one that was due earlier today. What was
        missed before is not made up for. Done twice, it is as done once.
        """
        return _reply(await self._users.undelete(user_id, expected(if_match)))

    async def unsubscribe_person(
        self, user_id: FromPath[UUID], message_type: OfType = None, if_match: IfMatch = None
    ) -> Response[Person]:
        """Greet a person no more. No greeting leaves afterwards. Done twice, it is as done once.

        The address is remembered: who brings it again brings a person who has unsubscribed.
        """
        version = expected(if_match)
        return _reply(await self._users.unsubscribe(user_id, version, message_type))

    async def resubscribe_person(
        self, user_id: FromPath[UUID], message_type: OfType = None, if_match: IfMatch = None
    ) -> Response[Person]:
        """Greet a person again who had unsubscribed.

        Greetings that are still to come will come, also one that was due earlier today. What was
        missed before is not made up for. Done twice, it is as done once.
        """
        version = expected(if_match)
        return _reply(await self._users.resubscribe(user_id, version, message_type))


def _reply(user: User, headers: Mapping[str, str] | None = None) -> Response[Person]:
    return ShortReply(show_person(user), headers=etag(user.version) | dict(headers or {}))
