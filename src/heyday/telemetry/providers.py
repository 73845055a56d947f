"""Declare what is told of providers: how fast they may be called, and what they tell."""

from functools import partial

from prometheus_client import Counter, Gauge

from heyday.telemetry.registered import Registered


class ProviderMetrics(Registered):
    """Hold them."""

    def __init__(self) -> None:
        super().__init__()
        self._declare_gate()
        self._declare_bursts()
        self._declare_events()

    def _declare_gate(self) -> None:
        counter = partial(Counter, registry=self.registry)
        self.breaker_state = Gauge(
            "heyday_breaker_state",
            "Whether this process calls the provider: 0 yes, 1 one call at a time, 2 no.",
            ["provider"],
            registry=self.registry,
        )
        self.breaker_openings = counter(
            "heyday_breaker_openings_total",
            "How often this process stopped calling the provider.",
            ["provider"],
        )
        self.held_back = counter(
            "heyday_held_back_total",
            "Calls that had to wait or were put off, by what held them.",
            ["provider", "by"],
        )
        self.rate_limited = counter(
            "heyday_rate_limited_total", "Answers that said we call too often.", ["provider"]
        )

    def _declare_bursts(self) -> None:
        gauge = partial(Gauge, registry=self.registry)
        self.pace = gauge(
            "heyday_pace",
            "Greetings a second that all workers together may send, as last heard; +Inf: no limit.",
            ["provider"],
        )
        self.day_cap = gauge(
            "heyday_day_cap",
            "Greetings that all workers together may send today (UTC).",
            ["provider"],
        )
        self.day_left = gauge(
            "heyday_day_left", "Greetings that are left of it, as last heard.", ["provider"]
        )
        self.domain_put_off = Counter(
            "heyday_domain_put_off_total",
            "Greetings put off for a limit of HEYDAY_DOMAIN_LIMITS, by its first domain.",
            ["domain"],
            registry=self.registry,
        )

    def _declare_events(self) -> None:
        counter = partial(Counter, registry=self.registry)
        self.provider_events = counter(
            "heyday_provider_events_total",
            "Events of letters that providers told and that were not known, by kind.",
            ["provider", "kind"],
        )
        self.webhooks_refused = counter(
            "heyday_webhooks_refused_total",
            "Requests at a webhook that were not taken: no signature of its provider, or unclear.",
            ["provider"],
        )
