"""Declare what is told of greetings, in processes that send."""

from functools import partial

from prometheus_client import Counter, Histogram

from heyday.telemetry.registered import Registered

_LATENESS_BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600, 86400)
_BATCH_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300)


class SendingMetrics(Registered):
    """Hold them."""

    def __init__(self) -> None:
        super().__init__()
        self.lateness = Histogram(
            "heyday_lateness_seconds",
            "From the scheduled instant to the start of the first attempt.",
            ["message_type"],
            buckets=_LATENESS_BUCKETS,
            registry=self.registry,
        )
        self.batch = Histogram(
            "heyday_batch_seconds",
            "From the claim of a batch until all of it was recorded.",
            buckets=_BATCH_BUCKETS,
            registry=self.registry,
        )
        self._declare_greetings()
        self._declare_attempts()

    def _declare_greetings(self) -> None:
        counter = partial(Counter, registry=self.registry)
        self.due = counter(
            "heyday_due_total",
            "Greetings that had fallen due and were taken for their first attempt.",
            ["message_type", "sender"],
        )
        self.greetings = counter(
            "heyday_greetings_total",
            "Greetings by the status that an attempt led to, fenced ones among them.",
            ["message_type", "sender", "status"],
        )
        self.not_sent = counter(
            "heyday_not_sent_total",
            "Greetings that a worker took and did not try to send.",
            ["message_type", "status"],
        )
        self.fenced = counter(
            "heyday_fenced_total",
            "Outcomes not written because another worker held the row by then.",
        )
        self.illegal_moves = counter(
            "heyday_illegal_moves_total",
            "Changes of status that were asked for and are not legal.",
            ["source", "target"],
        )

    def _declare_attempts(self) -> None:
        counter = partial(Counter, registry=self.registry)
        self.attempts = counter(
            "heyday_attempts_total", "Attempts by outcome.", ["message_type", "outcome"]
        )
        self.attempts_by_sender = counter(
            "heyday_sender_attempts_total",
            "Attempts to send, by sender and outcome.",
            ["sender", "outcome"],
        )
        self.provider_calls = counter(
            "heyday_provider_calls_total",
            "Calls to the provider, each with one greeting or more.",
            ["sender"],
        )
        self.provider_call_seconds = counter(
            "heyday_provider_call_seconds_total",
            "Time that these calls took, all together.",
            ["sender"],
        )
