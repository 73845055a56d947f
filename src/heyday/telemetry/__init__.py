"""Set up logs and declare metrics. docs/telemetry.md catalogues each event and each metric."""

from heyday.telemetry.api import ApiMetrics
from heyday.telemetry.database import DatabaseMetrics
from heyday.telemetry.logs import configure_logging
from heyday.telemetry.process import ProcessMetrics
from heyday.telemetry.providers import ProviderMetrics
from heyday.telemetry.schedulers import SchedulerMetrics
from heyday.telemetry.sending import SendingMetrics

__all__ = ["Metrics", "configure_logging"]


class Metrics(
    SendingMetrics, ProviderMetrics, SchedulerMetrics, DatabaseMetrics, ApiMetrics, ProcessMetrics
):
    """Hold every metric of one process, on a registry of its own."""
