"""Serve the journal of scheduler runs at /api/v1/job-runs."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated

from litestar import get
from litestar.exceptions import ValidationException
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from msgspec import Meta, Struct

from heyday.api.route_options import route
from heyday.domain.access import Scope
from heyday.domain.models import JobRun
from heyday.services.jobs import JobRunService
from heyday.services.scheduling import RHYTHMS

JOB_RUNS = "/api/v1/job-runs"
LONGEST_PAGE = 200
USUAL_PAGE = 50

_STARTED = Meta(examples=["2027-01-14T00:00:00Z"])
_FINISHED = Meta(examples=["2027-01-14T00:00:02Z"])
_NUMBER = Meta(examples=[4711])

OfJob = Annotated[
    str | None, QueryParameter(pattern=f"^({'|'.join(RHYTHMS)})$", description="A job alone.")
]
Failed = Annotated[
    bool | None, QueryParameter(description="Those that ended in an error, or those that did not.")
]
After = Annotated[
    int | None, QueryParameter(ge=1, le=2**63 - 1, description="`next` of the page before.")
]
Limit = Annotated[int, QueryParameter(ge=1, le=LONGEST_PAGE, description="Runs on a page.")]


class ShownRun(Struct, frozen=True):
    """Show one run of a scheduler. is_manual: at a moment that a person chose."""

    id: Annotated[int, _NUMBER]
    name: Annotated[str, Meta(examples=["daily"])]
    started_at: Annotated[datetime, _STARTED]
    finished_at: Annotated[datetime, _FINISHED] | None
    window_start: Annotated[datetime, _STARTED] | None
    window_end: Annotated[datetime, Meta(examples=["2027-01-16T00:00:00Z"])] | None
    counts: Annotated[Mapping[str, int], Meta(examples=[{"planned": 537, "retimed": 0}])]
    error: Annotated[str, Meta(examples=["DatabaseUnavailable"])] | None
    is_manual: Annotated[bool, Meta(examples=[False])]


class RunPage(Struct, frozen=True):
    """Show some runs, the latest first. next: give it as `after` to get the next page."""

    items: list[ShownRun]
    next: Annotated[int, _NUMBER] | None


class JobRunRoutes:
    """Bind the routes of runs to the service."""

    def __init__(self, runs: JobRunService) -> None:
        self._runs = runs

    def handlers(self) -> Sequence[HTTPRouteHandler]:
        """Return the route handlers."""
        options = route("Job runs", Scope.MESSAGES_READ, "List runs", ValidationException)
        return [get(JOB_RUNS, **options)(self.list_job_runs)]

    async def list_job_runs(
        self,
        name: OfJob = None,
        is_failed: Failed = None,
        limit: Limit = USUAL_PAGE,
        after: After = None,
    ) -> RunPage:
        """List the runs of the schedulers, the latest first. They are kept for 30 days.

        To run one by hand, `heyday jobs run` is there: it takes as long as there is work.
        """
        runs = await self._runs.list_page(name, is_failed=is_failed, before=after, limit=limit + 1)
        page = runs[:limit]
        return RunPage([_shown(run) for run in page], page[-1].id if runs[limit:] else None)


def _shown(run: JobRun) -> ShownRun:
    return ShownRun(
        id=run.id,
        name=run.name,
        started_at=run.started_at,
        finished_at=run.finished_at,
        window_start=run.window.start_at if run.window else None,
        window_end=run.window.end_at if run.window else None,
        counts=run.counts,
        error=run.error,
        is_manual=run.is_manual,
    )
