"""Serve people at /api/v1/users, and at the short forms /user and /user/{id}."""

from collections.abc import Mapping, Sequence
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import delete, get, patch, post, put
from litestar.datastructures import ResponseHeader
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.response import Response

from heyday.api.bodies import ObjectBody
from heyday.api.problems import MEDIA_TYPE
from heyday.api.shapes import Person, PersonBody, PersonPage, PersonPatch, Problem
from heyday.domain.models import User
from heyday.services.users import UserService

PEOPLE = "/api/v1/users"
LONGEST_PAGE = 200
USUAL_PAGE = 50

_PERSON = f"{PEOPLE}/{{user_id:uuid}}"
_SHORT_PEOPLE, _SHORT_PERSON = "/user", "/user/{user_id:uuid}"
_LOCATION = ResponseHeader(
    name="Location", description="Where the new person is found.", documentation_only=True
)


def _refusals(texts: Mapping[int, str]) -> dict[int, ResponseSpec]:
    """Document the problems that a route may answer with."""
    every = {400: "Malformed request", 500: "Heyday failed", 503: "The database cannot be reached"}
    return {
        status: ResponseSpec(
            Problem, description=text, media_type=MEDIA_TYPE, generate_examples=False
        )
        for status, text in sorted({**every, **texts}.items())
    }


_ABSENT = {404: "No such person"}
_BAD_BODY = {
    409: "Another person has this email address",
    413: "Body too large",
    415: "Unsupported media type",
    422: "Fields break rules: errors names each",
}


class UserRoutes:
    """Bind the routes of people to the service."""

    def __init__(self, users: UserService) -> None:
        self._users = users

    def handlers(self) -> Sequence[HTTPRouteHandler]:
        """Return the route handlers. The short forms share those of the long ones."""
        whole, part = ObjectBody[PersonBody], ObjectBody[PersonPatch]
        item = [_PERSON, _SHORT_PERSON]
        changing = _refusals(_ABSENT | _BAD_BODY)
        return [
            post(
                [PEOPLE, _SHORT_PEOPLE],
                dto=whole,
                return_dto=None,
                responses=_refusals(_BAD_BODY),
                response_headers=[_LOCATION],
            )(self.create_person),
            get(PEOPLE, responses=_refusals({422: "A parameter breaks a rule"}))(self.list_people),
            get(item, responses=_refusals(_ABSENT))(self.get_person),
            put(item, dto=whole, return_dto=None, responses=changing)(self.replace_person),
            patch(_PERSON, dto=part, return_dto=None, responses=changing)(self.change_person),
            delete(item, responses=_refusals(_ABSENT))(self.delete_person),
        ]

    async def create_person(self, data: JSONBody[Mapping[str, object]]) -> Response[Person]:
        """Add a person. Their next greetings are planned at once."""
        user = await self._users.create(data)
        return Response(_shown(user), headers={"Location": f"{PEOPLE}/{user.id}"})

    async def list_people(
        self,
        limit: Annotated[
            int, QueryParameter(ge=1, le=LONGEST_PAGE, description="People on a page.")
        ] = USUAL_PAGE,
        after: FromQuery[UUID | None] = None,
    ) -> PersonPage:
        """List people in order of id. Give `next` of a page as `after` to get the next one."""
        users = await self._users.list_page(after, limit + 1)
        page = users[:limit]
        return PersonPage([_shown(user) for user in page], page[-1].id if users[limit:] else None)

    async def get_person(self, user_id: FromPath[UUID]) -> Person:
        """Show a person."""
        return _shown(await self._users.get(user_id))

    async def replace_person(
        self, user_id: FromPath[UUID], data: JSONBody[Mapping[str, object]]
    ) -> Person:
        """Overwrite a person; optional fields left out are emptied. Greetings follow at once."""
        return _shown(await self._users.replace(user_id, data))

    async def change_person(
        self, user_id: FromPath[UUID], data: JSONBody[Mapping[str, object]]
    ) -> Person:
        """Change the fields given; null empties an optional one. Greetings follow at once."""
        return _shown(await self._users.patch(user_id, data))

    async def delete_person(self, user_id: FromPath[UUID]) -> None:
        """Delete a person. No greeting leaves afterwards, and the address is free again."""
        await self._users.delete(user_id)


def _shown(user: User) -> Person:
    return msgspec.convert(user, Person, from_attributes=True)
