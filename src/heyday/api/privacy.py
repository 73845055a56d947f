"""Serve what people may ask of whoever stores their data: all of it, or its end."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.status_codes import HTTP_204_NO_CONTENT

from heyday.api.refusals import refusals
from heyday.api.users import PEOPLE
from heyday.domain.access import Scope
from heyday.domain.errors import Conflict, NotFound
from heyday.services.privacy import PrivacyService


class PrivacyRoutes:
    """Bind the routes to the service."""

    def __init__(self, privacy: PrivacyService) -> None:
        self._privacy = privacy

    def handlers(self) -> Sequence[HTTPRouteHandler]:
        """Return the route handlers."""
        item = f"{PEOPLE}/{{user_id:uuid}}"
        export_person = get(
            f"{item}/export",
            tags=["Privacy"],
            summary="Hand over all that is stored about a person",
            scope=Scope.USERS_READ,
            responses=refusals(NotFound),
        )
        erase_person = post(
            f"{item}/erase",
            status_code=HTTP_204_NO_CONTENT,
            tags=["Privacy"],
            summary="Erase a person for good",
            scope=Scope.ADMIN,
            responses=refusals(NotFound, Conflict),
        )
        return [export_person(self.export_person), erase_person(self.erase_person)]

    async def export_person(
        self, user_id: FromPath[UUID]
    ) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """Show everything about a person, deleted or not: by kind, a list of rows.

        Their own row, greetings with texts, attempts, letters of the inbox, what was ever planned,
        and whether their address is on the list of those who want no greetings.
        """
        return await self._privacy.export(user_id)

    async def erase_person(self, user_id: FromPath[UUID]) -> None:
        """Take out everything that tells of a person, deleted or not. This cannot be undone.

        It is refused while a file that names them is being imported.
        What has not left is cancelled. What stays is that greetings were sent, without text,
        address and date; and an HMAC of the address, so that whoever brings it again brings a
        person who has unsubscribed. Done twice, it is as done once.
        """
        await self._privacy.erase(user_id)
