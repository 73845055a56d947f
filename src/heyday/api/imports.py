"""Take CSV files of people in at /api/v1/imports, and tell what became of them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Annotated, Any
from uuid import UUID

from litestar import delete, get, post
from litestar.connection import Request
from litestar.datastructures import ResponseHeader, State
from litestar.exceptions import ValidationException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example, OpenAPIMediaType, OpenAPIType, Operation, RequestBody
from litestar.openapi.spec import Schema as OpenAPISchema
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Response, Stream
from litestar.status_codes import HTTP_200_OK, HTTP_202_ACCEPTED

from heyday.api.many_shapes import ImportPage, ImportStatus
from heyday.api.problems import UnsupportedMediaType
from heyday.api.refusals import refusals
from heyday.domain.access import Scope
from heyday.domain.errors import ImportNotFound, InvalidInput
from heyday.domain.finding import LONGEST_PAGE, USUAL_PAGE
from heyday.domain.imports import ImportJob
from heyday.services.import_jobs import ImportJobService

IMPORTS = "/api/v1/imports"

_CSV = "text/csv"
_CONTENT_TYPE = re.compile(
    r'text/csv(\s*;\s*(charset="?utf-8"?|header="?present"?))*', re.ASCII | re.IGNORECASE
)
_EXAMPLE = (
    "first_name,last_name,email,timezone,birthday_date\n"
    "Ada,Lovelace,ada@example.com,Europe/London,1990-12-10\n"
)
_EXAMPLE_REPORT = (
    "first_name,last_name,email,timezone,birthday_date,line,reason\n"
    "Alan,Turing,alan@,Europe/London,1990-06-23,3,email: is not an email address\n"
)
_LOCATION = ResponseHeader(
    name="Location", description="Where the import can be followed.", documentation_only=True
)
_fields = attrgetter(*ImportStatus.__struct_fields__)


@dataclass
class _Upload(Operation):
    """Describe an operation whose body is a file."""

    def __post_init__(self) -> None:
        media_type = OpenAPIMediaType(
            schema=OpenAPISchema(type=OpenAPIType.STRING, examples=[_EXAMPLE])
        )
        self.request_body = RequestBody(
            content={_CSV: media_type},
            description="CSV in UTF-8 with a header, as `heyday users import` takes it.",
            required=True,
        )


class ImportRoutes:
    """Bind the routes to the service. limit_bytes: how long a file may be."""

    def __init__(self, jobs: ImportJobService, limit_bytes: int) -> None:
        self._jobs = jobs
        self._limit_bytes = limit_bytes

    def handlers(self) -> Sequence[HTTPRouteHandler]:
        """Return the route handlers."""
        item = f"{IMPORTS}/{{import_id:uuid}}"
        start_import = post(
            IMPORTS,
            summary="Import a CSV file of people",
            status_code=HTTP_202_ACCEPTED,
            request_max_body_size=self._limit_bytes,
            operation_class=_Upload,
            response_headers=[_LOCATION],
            **self._options(
                Scope.USERS_WRITE, RequestEntityTooLarge, UnsupportedMediaType, InvalidInput
            ),
        )
        list_imports = get(
            IMPORTS,
            summary="List imports",
            **self._options(Scope.USERS_READ, ValidationException),
        )
        get_import = get(
            item, summary="Show an import", **self._options(Scope.USERS_READ, ImportNotFound)
        )
        report = self._options(Scope.USERS_READ, ImportNotFound)
        report["responses"][HTTP_200_OK] = _report()
        get_rejected = get(f"{item}/rejected", summary="Show the rows that were rejected", **report)
        delete_import = delete(
            item,
            summary="Cancel an import, or forget it",
            **self._options(Scope.USERS_WRITE, ImportNotFound),
        )
        return [
            start_import(self.start_import),
            list_imports(self.list_imports),
            get_import(self.get_import),
            get_rejected(self.get_rejected),
            delete_import(self.delete_import),
        ]

    def _options(self, scope: Scope, *errors: type[Exception]) -> dict[str, Any]:
        return {
            "scope": scope,
            "tags": ["Imports"],
            "responses": refusals(*errors),
        }

    async def start_import(self, request: Request[Any, Any, State]) -> Response[ImportStatus]:
        """Import a CSV file of people: it is taken in as it comes, and worked off afterwards.

        A person whose address is there is updated; columns that the file does not have stay as
        they are. Imports go on one after another, in the order in which they came.
        """
        if not _CONTENT_TYPE.fullmatch(request.headers.get("content-type", "").strip()):
            raise UnsupportedMediaType
        job = await self._jobs.receive(request.stream())
        headers = {"Location": f"{IMPORTS}/{job.id}"}
        return Response(_shown(job), status_code=HTTP_202_ACCEPTED, headers=headers)

    async def list_imports(
        self,
        limit: Annotated[
            int, QueryParameter(ge=1, le=LONGEST_PAGE, description="Imports on a page.")
        ] = USUAL_PAGE,
        after: FromQuery[UUID | None] = None,
    ) -> ImportPage:
        """List imports, the newest first. Give `next` of a page as `after` to get the next one."""
        jobs = await self._jobs.list_page(after, limit + 1)
        page = jobs[:limit]
        following = page[-1].id if jobs[limit:] else None
        return ImportPage([_shown(job) for job in page], following)

    async def get_import(self, import_id: FromPath[UUID]) -> ImportStatus:
        """Show how an import goes."""
        return _shown(await self._jobs.get(import_id))

    async def get_rejected(self, import_id: FromPath[UUID]) -> Stream:
        """Show the rows that were rejected so far, as they came, with their line and the reason.

        Correct them and import them again. They are kept for seven days after the import's end.
        """
        job = await self._jobs.get(import_id)
        name = f'attachment; filename="{job.id}.rejected.csv"'
        return Stream(
            self._jobs.report(job),
            media_type=_CSV,
            headers={"Content-Disposition": name},
        )

    async def delete_import(self, import_id: FromPath[UUID]) -> None:
        """Cancel an import that goes on, or forget one that is at its end.

        Whoever was imported stays. The file and the rejected rows are deleted.
        """
        await self._jobs.remove(import_id)


def _report() -> ResponseSpec:
    return ResponseSpec(
        str,
        description="CSV, as FILE.rejected.csv of `heyday users import`.",
        media_type=_CSV,
        generate_examples=False,
        examples=[Example(summary="One row", value=_EXAMPLE_REPORT)],
    )


def _shown(job: ImportJob) -> ImportStatus:
    return ImportStatus(*_fields(job))
