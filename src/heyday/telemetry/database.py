"""Declare what is told of the database: facts that belong to no process, read in a rhythm."""

from functools import partial
from math import nan

from prometheus_client import Gauge

from heyday.telemetry.registered import Registered


class DatabaseMetrics(Registered):
    """Hold them. What has no labels is NaN until it is read: 0 would be an alarm, or none."""

    def __init__(self) -> None:
        super().__init__()
        self._declare_backlog()
        self._declare_plans()
        self._declare_queue()
        # Among them is no counter: each is as it was last read.
        for gauge in (
            *(self.facts_read, self.plan_ahead, self.tzdb_other, self.months_ahead, self.unknown),
            *(self.queue_waiting, self.queue_dead, self.queue_away, self.oldest_transaction),
        ):
            gauge.set(nan)

    def _declare_backlog(self) -> None:
        gauge = partial(Gauge, registry=self.registry)
        self.backlog = gauge(
            "heyday_backlog_greetings",
            "Greetings that are due and not sent, counted up to 10000 a stage.",
            ["stage"],
        )
        self.backlog_age = gauge(
            "heyday_backlog_age_seconds",
            "For how long the oldest of them has been due; 0 if there is none.",
            ["stage"],
        )
        self.unknown = gauge(
            "heyday_unknown_greetings",
            "Greetings that wait for a person's decision, counted up to 10000.",
        )
        self.tzdb_other = gauge(
            "heyday_tzdb_other_greetings",
            "Of the next 10000 to leave, those planned by another version of the tz database.",
        )

    def _declare_plans(self) -> None:
        gauge = partial(Gauge, registry=self.registry)
        self.facts_read = gauge(
            "heyday_facts_read_timestamp_seconds",
            "When the facts of the database were last read; they stay as they were if it is away.",
        )
        self.plan_ahead = gauge(
            "heyday_plan_ahead_seconds", "From now to the end of the window that is planned."
        )
        self.months_ahead = gauge(
            "heyday_months_ahead",
            "Months to come that have all their partitions, in a row from the next on.",
        )
        self.job_last_success = gauge(
            "heyday_job_last_success_timestamp_seconds",
            "When the latest run that ended without an error began, of whichever process.",
            ["job"],
        )

    def _declare_queue(self) -> None:
        gauge = partial(Gauge, registry=self.registry)
        self.queue_waiting = gauge(
            "heyday_queue_waiting_batches", "Batches that workers could take now."
        )
        self.queue_dead = gauge(
            "heyday_queue_dead_batches",
            "Batches that were set aside, as they failed again and again.",
        )
        self.queue_away = gauge(
            "heyday_queue_away", "1 while what carries batches cannot be asked, else 0."
        )
        self.oldest_transaction = gauge(
            "heyday_oldest_transaction_seconds",
            "For how long the oldest transaction in PostgreSQL has kept dead rows.",
        )
