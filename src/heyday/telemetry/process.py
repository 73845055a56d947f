"""Declare what is told of the process itself: what it is, and what it has open."""

import platform
from functools import partial

from prometheus_client import Gauge, ProcessCollector

from heyday import __version__
from heyday.telemetry.registered import Registered


class ProcessMetrics(Registered):
    """Hold them, and those that the library has of any process."""

    def __init__(self) -> None:
        super().__init__()
        gauge = partial(Gauge, registry=self.registry)
        self.build = gauge(
            "heyday_build_info",
            "Which release of Heyday this process is, and on which Python it runs.",
            ["version", "python"],
        )
        self.build.labels(__version__, platform.python_version()).set(1)
        self.tzdb = gauge(
            "heyday_tzdb_info",
            "Which version of the tz database this process plans with.",
            ["version"],
        )
        self.connections = gauge(
            "heyday_database_connections",
            "Connections to PostgreSQL that this process has open.",
            ["state"],
        )
        self.connections_most = gauge(
            "heyday_database_connections_most", "Connections that it may open at the most."
        )
        ProcessCollector(registry=self.registry)
