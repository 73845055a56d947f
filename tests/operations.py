"""Build what stands behind the API's routes for operators, around a pipeline of a test."""

from datetime import timedelta

from heyday.api.operations import Operations
from heyday.db.cases import CaseRepository
from heyday.db.dead_batches import PostgresDeadLetters
from heyday.db.forecasts import ForecastRepository
from heyday.db.transport import TransportConfig
from heyday.domain.delivery import AmbiguityPolicy
from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.queue_ports import DeadLetters
from heyday.services.explaining import ExplanationService
from heyday.services.forecasting import ForecastService
from heyday.services.jobs import JobRunService
from heyday.services.message_types import MessageTypeService
from heyday.services.queueing import QueueService
from heyday.services.resolving import ResolutionService
from tests.factories import Pipeline, timezones_of


def operations_of(pipeline: Pipeline, dead_letters: DeadLetters | None = None) -> Operations:
    """Return the services, with the policies that are in force where nobody sets any."""
    database, clock, timezones = pipeline.database, pipeline.clock, timezones_of()
    dead = dead_letters or PostgresDeadLetters(database, clock, TransportConfig())
    return Operations(
        messages=ResolutionService(database, pipeline.planner, clock, pipeline.metrics),
        message_types=MessageTypeService(
            {name: service.policies for name, service in timezones.items()},
            {message_type.name: AmbiguityPolicy.RETRY for message_type in MESSAGE_TYPES},
        ),
        forecasts=ForecastService(ForecastRepository(database), timezones, clock),
        explanations=ExplanationService(
            CaseRepository(database), timezones, clock, timedelta(hours=48)
        ),
        job_runs=JobRunService(database),
        books=pipeline.reconciliation,
        queue=QueueService(dead, database, clock),
        clock=clock,
    )
