"""Serve what those look at who run Heyday: messages, types, forecast, runs, books, queue."""

from collections.abc import Sequence
from dataclasses import dataclass

from litestar.handlers import HTTPRouteHandler

from heyday.api.books import BookRoutes
from heyday.api.forecasts import ForecastRoutes
from heyday.api.job_runs import JobRunRoutes
from heyday.api.message_types import MessageTypeRoutes
from heyday.api.messages import MessageRoutes
from heyday.api.queue import QueueRoutes
from heyday.domain.ports import Clock
from heyday.services.explaining import ExplanationService
from heyday.services.forecasting import ForecastService
from heyday.services.jobs import JobRunService
from heyday.services.message_types import MessageTypeService
from heyday.services.queueing import QueueService
from heyday.services.reconciling import ReconciliationService
from heyday.services.resolving import ResolutionService


@dataclass(frozen=True, slots=True)
class Operations:
    """Hold the services behind these routes."""

    messages: ResolutionService
    message_types: MessageTypeService
    forecasts: ForecastService
    explanations: ExplanationService
    job_runs: JobRunService
    books: ReconciliationService
    queue: QueueService
    clock: Clock

    def handlers(self) -> Sequence[HTTPRouteHandler]:
        """Return the route handlers."""
        return [
            *MessageRoutes(self.messages, self.clock).handlers(),
            *MessageTypeRoutes(self.message_types).handlers(),
            *ForecastRoutes(self.forecasts, self.explanations).handlers(),
            *JobRunRoutes(self.job_runs).handlers(),
            *BookRoutes(self.books).handlers(),
            *QueueRoutes(self.queue).handlers(),
        ]
