"""Import people by the page: a file is looked at, then imported, and what became of it is shown."""

from collections.abc import Sequence
from uuid import UUID

from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from litestar.response import Response, Stream
from litestar.status_codes import (
    HTTP_200_OK,
    HTTP_201_CREATED,
    HTTP_413_REQUEST_ENTITY_TOO_LARGE,
    HTTP_422_UNPROCESSABLE_ENTITY,
)

from heyday.domain.access import Scope
from heyday.domain.errors import FieldProblem, ImportNotFound, InvalidInput
from heyday.domain.imports import ImportJob, ImportState
from heyday.domain.ports import Clock
from heyday.services.import_jobs import ImportJobService
from heyday.services.import_previews import ImportPreviewService, Preview
from heyday.web.import_forms import reading_of
from heyday.web.import_views import GOING, JobView, of_preview, of_reject
from heyday.web.routes import action, page
from heyday.web.shell import PageRequest, Shell
from heyday.web.uploads import drain, is_form, opened

_ENTRY = "/people/import"
_ITEM = "/people/imports/{import_id:uuid}"
_LISTED, _SHOWN_REJECTS = 20, 20


class ImportPages:
    """Bind the pages to the services. limit_bytes: how long a file may be."""

    def __init__(
        self,
        shell: Shell,
        jobs: ImportJobService,
        previews: ImportPreviewService,
        clock: Clock,
        limit_bytes: int,
    ) -> None:
        self._shell = shell
        self._jobs = jobs
        self._previews = previews
        self._clock = clock
        self._limit_bytes = limit_bytes

    def handlers(self) -> Sequence[HTTPRouteHandler]:
        """Return the route handlers."""
        read, write = Scope.USERS_READ, Scope.USERS_WRITE
        return [
            page(_ENTRY, read)(self.show_imports),
            action(_ENTRY, write, request_max_body_size=self._limit_bytes)(self.upload_import),
            page(_ITEM, read)(self.show_import),
            # It holds counts and nobody's data, and is asked for every second.
            page(f"{_ITEM}/progress", read, is_routine=True, audit=False)(self.show_progress),
            page(f"{_ITEM}/rejected", read, media_type="text/csv")(self.show_rejected),
            action(f"{_ITEM}/reading", write)(self.revise_import),
            action(f"{_ITEM}/start", write)(self.start_import),
            action(f"{_ITEM}/remove", write)(self.delete_import),
        ]

    async def show_imports(
        self, request: PageRequest, after: FromQuery[UUID | None] = None
    ) -> Response[str]:
        """Show where a file is dropped, and the imports there were."""
        return await self._entry(request, after)

    async def upload_import(self, request: PageRequest) -> Response[str]:
        """Take a file in, and lead to what it would become."""
        try:
            async with opened(request) as (pieces, name):
                try:
                    job = await self._jobs.receive_to_look_at(pieces, name)
                except InvalidInput:
                    await drain(pieces)
                    raise
        except InvalidInput as error:
            told = [problem.detail for problem in error.problems]
            return await self._refuse(request, "; ".join(told), HTTP_422_UNPROCESSABLE_ENTITY)
        except RequestEntityTooLarge:
            detail = f"has more than {self._limit_bytes >> 20} MiB: split it, or raise the limit"
            return await self._refuse(request, detail, HTTP_413_REQUEST_ENTITY_TOO_LARGE)
        if is_form(request):
            return self._shell.go(request, _path_of(job))
        # A script has sent the file: it leads on by itself.
        return Response(_path_of(job), status_code=HTTP_201_CREATED, media_type="text/plain")

    async def show_import(self, request: PageRequest, import_id: FromPath[UUID]) -> Response[str]:
        """Show a file before it is imported, how its import goes, or what became of it."""
        job = await self._jobs.get(import_id)
        if job.state is ImportState.UPLOADED:
            return self._preview(request, await self._previews.show(job))
        rejects = await self._jobs.list_rejects(job.id, _SHOWN_REJECTS)
        return self._shell.page(
            request,
            "import.html",
            job.name or "A file of people",
            view=JobView.of(job, self._clock.now()),
            rejects=[of_reject(job, row) for row in rejects],
            shown=len(rejects),
        )

    async def show_progress(self, request: PageRequest, import_id: FromPath[UUID]) -> Response[str]:
        """Show how an import goes; once it is at its end, have the page come anew."""
        job = await self._jobs.get(import_id)
        response = self._shell.part(
            request, "import_progress.html", view=JobView.of(job, self._clock.now())
        )
        if job.state not in GOING:
            response.headers["HX-Refresh"] = "true"
        return response

    async def show_rejected(self, import_id: FromPath[UUID]) -> Stream:
        """Hand over the rows that were rejected so far, as a file to be corrected."""
        job = await self._jobs.get(import_id)
        name = f'attachment; filename="{job.id}.rejected.csv"'
        return Stream(
            self._jobs.report(job), media_type="text/csv", headers={"Content-Disposition": name}
        )

    async def revise_import(self, request: PageRequest, import_id: FromPath[UUID]) -> Response[str]:
        """Read a file in another way, and show it so."""
        job = await self._jobs.get(import_id)
        reading = reading_of(await request.form())
        try:
            preview = await self._previews.revise(job, reading)
        except ImportNotFound:
            return self._started_before(request, job)
        if "hx-request" in request.headers:
            return self._shell.part(request, "import_reading.html", **of_preview(preview))
        return self._shell.go(request, _path_of(job))

    async def start_import(self, request: PageRequest, import_id: FromPath[UUID]) -> Response[str]:
        """Start an import; what stands in its way is shown beside the file."""
        job = await self._jobs.get(import_id)
        reading = reading_of(await request.form())
        try:
            if not await self._previews.start(job, reading):
                return self._started_before(request, job)
        except InvalidInput as error:
            preview = await self._previews.revise(job, reading)
            status = HTTP_422_UNPROCESSABLE_ENTITY
            return self._preview(request, preview, error.problems, status)
        return self._shell.go(request, _path_of(job))

    async def delete_import(self, request: PageRequest, import_id: FromPath[UUID]) -> Response[str]:
        """Cancel an import that goes on; throw one away that is at its end, or not begun."""
        job = await self._jobs.get(import_id)
        await self._jobs.remove(import_id)
        if job.state in GOING:
            said = "The import was cancelled. Whoever was imported by then stays."
            return self._shell.go(request, _path_of(job), said=said)
        return self._shell.go(request, _ENTRY, said="The import was deleted.")

    async def _entry(
        self,
        request: PageRequest,
        after: UUID | None = None,
        problem: str | None = None,
        status: int = HTTP_200_OK,
    ) -> Response[str]:
        found = await self._jobs.list_page(after, _LISTED + 1)
        shown = found[:_LISTED]
        return self._shell.page(
            request,
            "imports.html",
            "Import people",
            status_code=status,
            views=[JobView.of(job, self._clock.now()) for job in shown],
            next_page=f"{_ENTRY}?after={shown[-1].id}" if found[_LISTED:] else None,
            first_page=_ENTRY if after else None,
            limit_bytes=self._limit_bytes,
            problem=problem,
        )

    async def _refuse(self, request: PageRequest, detail: str, status: int) -> Response[str]:
        """Say why a file is not taken: on the page, or to the script that sent it."""
        sentence = f"The file {detail}."
        if is_form(request):
            return await self._entry(request, problem=sentence, status=status)
        return Response(sentence, status_code=status, media_type="text/plain")

    def _started_before(self, request: PageRequest, job: ImportJob) -> Response[str]:
        if "hx-request" in request.headers:
            return Response("", media_type="text/html", headers={"HX-Redirect": _path_of(job)})
        said = "This import was started before. Nothing was changed."
        return self._shell.go(request, _path_of(job), said=said)

    def _preview(
        self,
        request: PageRequest,
        preview: Preview,
        refused: Sequence[FieldProblem] = (),
        status: int = HTTP_200_OK,
    ) -> Response[str]:
        title = preview.job.name or "A file of people"
        values = of_preview(preview, refused)
        return self._shell.page(request, "import_preview.html", title, status_code=status, **values)


def _path_of(job: ImportJob) -> str:
    return f"/people/imports/{job.id}"
