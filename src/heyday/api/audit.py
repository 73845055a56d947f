"""Serve the audit log at /api/v1/audit."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from litestar import get
from litestar.exceptions import ValidationException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, QueryParameter

from heyday.api.parameters import instant, read_instant
from heyday.api.refusals import refusals
from heyday.api.shapes import AuditLine, AuditPage
from heyday.domain.access import Scope
from heyday.domain.audit import AuditEntry, AuditFilter
from heyday.services.auditing import AuditService

AUDIT = "/api/v1/audit"
LONGEST_PAGE = 200
USUAL_PAGE = 50
_LARGEST_ID = 2**63 - 1

ActorName = Annotated[
    str | None,
    QueryParameter(
        min_length=1,
        max_length=100,
        pattern=r"^[^\x00]+$",
        description="The name of an API key, an operating system's user or an SQL role.",
    ),
]
KeyPrefix = Annotated[
    str | None,
    QueryParameter(
        pattern=r"^[0-9a-f]{1,8}$", description="The prefix of an API key, or its beginning."
    ),
]
Action = Annotated[
    str | None, QueryParameter(pattern=r"^[a-z_.]{1,60}$", description="Such as person.create.")
]
Since = Annotated[str | None, instant("At this instant or later.")]
Until = Annotated[str | None, instant("Before this instant.")]
Limit = Annotated[int, QueryParameter(ge=1, le=LONGEST_PAGE, description="Lines on a page.")]
After = Annotated[
    int | None, QueryParameter(ge=1, le=_LARGEST_ID, description="`next` of the page before.")
]


class AuditRoutes:
    """Bind the route of the audit log to the service."""

    def __init__(self, audit: AuditService) -> None:
        self._audit = audit

    def handlers(self) -> Sequence[HTTPRouteHandler]:
        """Return the route handlers."""
        route = get(
            AUDIT,
            scope=Scope.ADMIN,
            tags=["Audit"],
            summary="Who did what, and who looked at whom",
            responses=refusals(ValidationException),
        )
        return [route(self.list_audit)]

    async def list_audit(  # noqa: PLR0913, PLR0917 - one parameter for each of the query
        self,
        person: FromQuery[UUID | None] = None,
        actor: ActorName = None,
        key: KeyPrefix = None,
        action: Action = None,
        since: Since = None,
        until: Until = None,
        limit: Limit = USUAL_PAGE,
        after: After = None,
    ) -> AuditPage:
        """List lines of the audit log, the latest first: writes, and looks at personal data.

        Lines hold ids and names of fields, never what is stored of a person.
        """
        asked = AuditFilter(
            person, actor, key, action, read_instant("since", since), read_instant("until", until)
        )
        entries = await self._audit.list_page(asked, after, limit + 1)
        page = entries[:limit]
        return AuditPage(
            [_shown(entry) for entry in page], page[-1].id if entries[limit:] else None
        )


def _shown(entry: AuditEntry) -> AuditLine:
    return AuditLine(
        id=entry.id,
        at=entry.at,
        actor_kind=entry.actor_kind.value,
        actor_id=entry.actor_id,
        actor_name=entry.actor_name,
        sql_role=entry.sql_role,
        action=entry.action,
        subject_ids=list(entry.subject_ids),
        fields=list(entry.fields),
        address=entry.address,
        request_id=entry.request_id,
    )
