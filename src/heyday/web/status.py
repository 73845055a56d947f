"""Serve the page that says how Heyday is, what is wrong, and what to do."""

from collections.abc import Sequence
from platform import python_version
from typing import Final

from litestar.handlers import HTTPRouteHandler
from litestar.response import Response

from heyday.domain.access import Scope
from heyday.domain.models import JobRun
from heyday.domain.queue_ports import AGES
from heyday.services.condition import ConditionService
from heyday.services.jobs import JobRunService
from heyday.web.routes import page
from heyday.web.shell import PageRequest, Shell

_RUNS: Final = 20
_STEP: Final = 1024


class StatusPages:
    """Bind the page to the services."""

    def __init__(self, shell: Shell, condition: ConditionService, runs: JobRunService) -> None:
        self._shell = shell
        self._condition = condition
        self._runs = runs

    def handlers(self) -> Sequence[HTTPRouteHandler]:
        """Return the route handlers."""
        return [page("/status", Scope.MESSAGES_READ, is_routine=True)(self.show_status)]

    async def show_status(self, request: PageRequest) -> Response[str]:
        """Show how everything is, also while PostgreSQL does not answer."""
        condition = await self._condition.look()
        queue = condition.queue
        runs = await self._list_runs() if condition.database else []
        return self._shell.page(
            request,
            "status.html",
            "Health",
            condition=condition,
            runs=runs,
            queued=list(zip(AGES, queue.on_the_way.queued, strict=True)) if queue else [],
            days=queue.days if queue else [],
            python=python_version(),
            size=written_size,
        )

    async def _list_runs(self) -> list[JobRun]:
        return await self._runs.list_page(None, is_failed=None, before=None, limit=_RUNS)


def written_size(count: int) -> str:
    """Write how many bytes something has: "1.4 GiB"."""
    size, units = float(count), iter(("B", "KiB", "MiB", "GiB"))
    unit = next(units)
    for larger in units:
        if size < _STEP:
            break
        size, unit = size / _STEP, larger
    return f"{size:.0f} {unit}" if unit in {"B", "KiB"} else f"{size:.1f} {unit}"
