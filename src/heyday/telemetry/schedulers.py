"""Declare what is told of schedulers, and of the clocks that they go by."""

from functools import partial

from prometheus_client import Counter, Gauge

from heyday.telemetry.registered import Registered


class SchedulerMetrics(Registered):
    """Hold them."""

    def __init__(self) -> None:
        super().__init__()
        self._declare_jobs()
        self._declare_clocks()

    def _declare_jobs(self) -> None:
        gauge = partial(Gauge, registry=self.registry)
        counter = partial(Counter, registry=self.registry)
        self.job_runs = counter(
            "heyday_job_runs_total", "Scheduler runs by result.", ["job", "result"]
        )
        self.job_failures = gauge(
            "heyday_job_failures_in_a_row",
            "Runs that have failed since one last finished.",
            ["job"],
        )
        self.job_duration = gauge(
            "heyday_job_last_duration_seconds",
            "How long the last run that finished took.",
            ["job"],
        )
        self.job_rows = counter(
            "heyday_job_rows_total",
            "Rows that scheduler runs dealt with, by what they did with them.",
            ["job", "what"],
        )

    def _declare_clocks(self) -> None:
        gauge = partial(Gauge, registry=self.registry)
        self.clock_jump = gauge(
            "heyday_clock_jump_seconds",
            "How far the wall clock has jumped ahead of the monotonic one.",
        )
        self.clock_skew = gauge(
            "heyday_clock_skew_seconds", "How far PostgreSQL's clock is ahead of this machine's."
        )
        self.clock_untrusted = gauge(
            "heyday_clock_untrusted",
            "1 while clocks contradict each other and nothing is sent, else 0.",
        )
        self.held = gauge(
            "heyday_held",
            "1 while nothing is planned or sent because the database was restored, or somebody "
            "holds everything, else 0.",
        )
        self.sends_unwritable = gauge(
            "heyday_sends_unwritable",
            "1 while the ledger of sends cannot be written and nothing is sent, else 0.",
        )
