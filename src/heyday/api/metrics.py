"""Serve /metrics in the text format of Prometheus."""

from collections.abc import Sequence

from litestar import get
from litestar.handlers import HTTPRouteHandler
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from heyday.domain.access import Scope


class MetricsRoutes:
    """Bind /metrics to a registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def handlers(self) -> Sequence[HTTPRouteHandler]:
        """Return the route handler."""
        route = get(
            "/metrics",
            # Litestar adds the charset to every text type itself.
            media_type=CONTENT_TYPE_LATEST.removesuffix("; charset=utf-8"),
            is_routine=True,
            # Nobody is in it, and to note each reading would need the database.
            audit=False,
            include_in_schema=False,
            sync_to_thread=False,
            scope=Scope.MESSAGES_READ,
        )
        return [route(self.show_metrics)]

    def show_metrics(self) -> bytes:
        """Show every metric of this process."""
        return generate_latest(self._registry)
