"""Serve what orchestrators and operators ask: /health and its parts."""

from collections.abc import Sequence
from http import HTTPStatus

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.response import Response

from heyday.api.shapes import HealthReport, Probe, ReadinessProbe, SchedulerRun, SchedulerSummary
from heyday.domain.queue_ports import TransportName
from heyday.domain.rate_limit import Counted, RateLimits
from heyday.services.health import Health, HealthService, HealthStatus, SchedulerHealth

_READINESS = {
    HealthStatus.OK: "ready",
    HealthStatus.DEGRADED: "degraded",
    HealthStatus.DOWN: "not ready",
}
_CARRIED_BY = {True: TransportName.POSTGRESQL, False: TransportName.RABBITMQ}
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
                responses={503: ResponseSpec(ReadinessProbe, description="They cannot be")},
                is_routine=True,
                tags=["Health"],
                scope=None,
            )(self.show_readiness),
            get(
                "/health/schedulers",
                summary="Whether each scheduler keeps time",
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

    async def show_readiness(self) -> Response[ReadinessProbe]:
        """Tell whether requests can be served: 200, or 503 while they cannot.

        They can while PostgreSQL answers, with the schema of this release, and with the partitions
        of this month and the next. Without RabbitMQ they are served, and greetings leave later:
        degraded, with 200.
        """
        readiness = await self._health.check_readiness()
        return Response(
            ReadinessProbe(
                status=_READINESS[readiness.status],
                database=readiness.database,
                transport=readiness.transport,
                migrations=readiness.migrations,
                partitions=readiness.partitions,
            ),
            status_code=_code(readiness.status is not HealthStatus.DOWN),
        )

    async def list_schedulers(self) -> list[SchedulerRun]:
        """Show the latest run of each scheduler, and by when it is to run again."""
        return [_shown(each) for each in await self._health.list_schedulers()]


def _code(is_well: bool) -> int:  # noqa: FBT001 - the one thing it depends on
    return HTTPStatus.OK if is_well else HTTPStatus.SERVICE_UNAVAILABLE


def _report(health: Health, counted: Counted) -> HealthReport:
    return HealthReport(
        status=health.status,
        version=health.version,
        tzdb_version=health.tzdb_version,
        database="ok" if health.is_database_reachable else "down",
        database_version=health.schema.version if health.schema else None,
        transport=_CARRIED_BY[health.is_broker_reachable is None],
        broker=_BROKER[health.is_broker_reachable],
        clock=health.clock_doubt or "ok",
        sending=health.hold or "ok",
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


def _shown(health: SchedulerHealth) -> SchedulerRun:
    run = health.last_run
    return SchedulerRun(
        name=health.name,
        started_at=run.started_at if run else None,
        finished_at=run.finished_at if run else None,
        window_start=run.window.start_at if run and run.window else None,
        window_end=run.window.end_at if run and run.window else None,
        counts=run.counts if run else {},
        error=run.error if run else None,
        next_run_at=health.next_run_at,
        lag_seconds=health.lag.total_seconds(),
        failures_in_a_row=health.failures,
        is_overdue=health.is_overdue,
    )
