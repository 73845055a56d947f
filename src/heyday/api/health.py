"""Serve what orchestrators and operators ask: /health and its parts."""

from collections.abc import Sequence
from http import HTTPStatus

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.response import Response

from heyday.api.shapes import HealthReport, Probe, SchedulerRun, SchedulerSummary
from heyday.domain.models import JobRun
from heyday.domain.rate_limit import Counted, RateLimits
from heyday.services.health import Health, HealthService, HealthStatus

_READINESS = {
    HealthStatus.OK: "ready",
    HealthStatus.DEGRADED: "degraded",
    HealthStatus.DOWN: "not ready",
}
_BROKER = {None: "none", True: "ok", False: "down"}


class HealthRoutes:
    """Bind the health routes to the service. limits: of the API's callers, if there are any."""

    def __init__(self, health: HealthService, limits: RateLimits | None = None) -> None:
        self._health = health
        self._limits = limits

    def handlers(self) -> Sequence[HTTPRouteHandler]:
        """Return the route handlers."""
        return [
            get(
                "/health",
                summary="How Heyday is",
                responses={503: ResponseSpec(HealthReport, description="Heyday is down")},
                is_routine=True,
                tags=["Health"],
                scope=None,
            )(self.show_health),
            get(
                "/health/live",
                summary="Whether the process answers",
                is_routine=True,
                tags=["Health"],
                scope=None,
            )(self.show_liveness),
            get(
                "/health/ready",
                summary="Whether requests can be served",
                responses={503: ResponseSpec(Probe, description="The database is away")},
                is_routine=True,
                tags=["Health"],
                scope=None,
            )(self.show_readiness),
            get(
                "/health/schedulers",
                summary="The latest run of each scheduler",
                is_routine=True,
                tags=["Health"],
                scope=None,
            )(self.list_schedulers),
        ]

    async def show_health(self) -> Response[HealthReport]:
        """Tell how Heyday is; the status code is 503 when it is down."""
        health = await self._health.check()
        counted = self._limits.counted if self._limits else Counted.NOWHERE
        status_code = _code(health.status is not HealthStatus.DOWN)
        return Response(_report(health, counted), status_code=status_code)

    async def show_liveness(self) -> Probe:
        """Tell that the process answers."""
        return Probe(status="alive")

    async def show_readiness(self) -> Response[Probe]:
        """Tell whether requests can be served: 200, or 503 while the database is away.

        Without RabbitMQ they are served, and greetings leave later: degraded, with 200.
        """
        readiness = await self._health.check_readiness()
        return Response(
            Probe(status=_READINESS[readiness]),
            status_code=_code(readiness is not HealthStatus.DOWN),
        )

    async def list_schedulers(self) -> list[SchedulerRun]:
        """Show the latest run of each scheduler."""
        return [_shown(run) for run in await self._health.list_runs()]


def _code(is_well: bool) -> int:  # noqa: FBT001 - the one thing it depends on
    return HTTPStatus.OK if is_well else HTTPStatus.SERVICE_UNAVAILABLE


def _report(health: Health, counted: Counted) -> HealthReport:
    return HealthReport(
        status=health.status,
        version=health.version,
        tzdb_version=health.tzdb_version,
        database="ok" if health.is_database_reachable else "down",
        broker=_BROKER[health.is_broker_reachable],
        clock=health.clock_doubt or "ok",
        rate_limits=counted,
        schedulers=[
            SchedulerSummary(
                name=scheduler.name,
                last_run_at=scheduler.last_run.started_at if scheduler.last_run else None,
                is_overdue=scheduler.is_overdue,
                has_failed=scheduler.has_failed,
            )
            for scheduler in health.schedulers
        ],
    )


def _shown(run: JobRun) -> SchedulerRun:
    return SchedulerRun(
        name=run.name,
        started_at=run.started_at,
        finished_at=run.finished_at,
        window_start=run.window.start_at if run.window else None,
        window_end=run.window.end_at if run.window else None,
        counts=run.counts,
        error=run.error,
    )
