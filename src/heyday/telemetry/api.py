"""Declare what is told of the API and of those who call it."""

from functools import partial

from prometheus_client import Counter, Gauge, Histogram

from heyday.telemetry.registered import Registered

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


class ApiMetrics(Registered):
    """Hold them."""

    def __init__(self) -> None:
        super().__init__()
        counter = partial(Counter, registry=self.registry)
        self.api = Histogram(
            "heyday_api_seconds",
            "From the beginning of a request to that of its reply.",
            ["route", "status"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.api_refused = counter(
            "heyday_api_refused_total",
            "Requests refused as too many came from one address or with one key.",
            ["counted", "whose"],
        )
        self.api_strangers = counter(
            "heyday_api_strangers_total",
            "Requests refused for want of a valid key, by what came in its place.",
            ["given"],
        )
        self.redis_away = Gauge(
            "heyday_redis_away",
            "1 while Redis cannot be asked and this process counts by itself, else 0.",
            registry=self.registry,
        )
        self.import_rows = counter(
            "heyday_import_rows_total",
            "Rows of files handed in by the API, by what became of them.",
            ["outcome"],
        )
