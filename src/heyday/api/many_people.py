"""Find people by name or address, and take many in at once."""

from collections import Counter
from collections.abc import Mapping, Sequence

from litestar import post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody
from litestar.status_codes import HTTP_200_OK

from heyday.api.answers import faults_of
from heyday.api.bodies import ObjectBody
from heyday.api.many_shapes import BulkBody, BulkReport, BulkRow, SearchBody
from heyday.api.people import show_page
from heyday.api.problems import MAX_BULK_BYTES
from heyday.api.refusals import BODY, refusals
from heyday.api.shapes import PersonPage
from heyday.api.users import PEOPLE
from heyday.domain.access import Scope
from heyday.domain.finding import parse_search
from heyday.services.bulk import BulkResult, BulkService, Outcome
from heyday.services.users import UserService


class ManyPeopleRoutes:
    """Bind the routes to the services."""

    def __init__(self, users: UserService, bulk: BulkService) -> None:
        self._users = users
        self._bulk = bulk

    def handlers(self) -> Sequence[HTTPRouteHandler]:
        """Return the route handlers."""
        search_people = post(
            f"{PEOPLE}/search",
            scope=Scope.USERS_READ,
            status_code=HTTP_200_OK,
            dto=ObjectBody[SearchBody],
            return_dto=None,
            tags=["People"],
            summary="Find people by name or address",
            responses=refusals(*BODY),
        )
        upsert_people = post(
            f"{PEOPLE}/bulk",
            scope=Scope.USERS_WRITE,
            status_code=HTTP_200_OK,
            dto=ObjectBody[BulkBody],
            return_dto=None,
            request_max_body_size=MAX_BULK_BYTES,
            takes_keys=True,
            tags=["People"],
            summary="Add or overwrite many people",
            responses=refusals(*BODY),
        )
        return [search_people(self.search_people), upsert_people(self.upsert_people)]

    async def search_people(self, data: JSONBody[Mapping[str, object]]) -> PersonPage:
        """Find people whose first name, "first last", last name or address begins with a text.

        In order of id, whatever the case. It is a POST, as names and addresses have no business
        in URLs. Which letters beyond ASCII are one in other cases is a matter of the database.
        """
        wanted = parse_search(data)
        return show_page(await self._users.search(wanted, wanted.limit + 1), wanted.limit)

    async def upsert_people(self, data: JSONBody[Mapping[str, object]]) -> BulkReport:
        """Add people, or overwrite those whose address is there, up to 1,000 in one call.

        Each row is a whole person; optional fields left out are emptied. All rows that are right
        are stored at once, with their greetings; one that is wrong is rejected and costs no
        other. A row that repeats the address of an earlier one is rejected.
        """
        results = await self._bulk.upsert(data)
        counts = Counter(result.outcome for result in results)
        return BulkReport(
            created=counts[Outcome.CREATED],
            updated=counts[Outcome.UPDATED],
            rejected=counts[Outcome.REJECTED],
            results=[_row(index, result) for index, result in enumerate(results)],
        )


def _row(index: int, result: BulkResult) -> BulkRow:
    errors = list(faults_of(result.problems, at=f"/people/{index}"))
    return BulkRow(index, result.outcome, result.id, errors)
