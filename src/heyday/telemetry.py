"""Set up logs and declare metrics. docs/telemetry.md catalogues each metric."""

import logging
import re
import sys
from functools import partial

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from stamina.instrumentation import RetryDetails, set_on_retry_hooks
from structlog.typing import EventDict

log = structlog.get_logger()

_PLAIN = re.compile(r"[^\s=\"\[\]\\]*", re.ASCII)
_LATENESS_BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600, 86400)


class Metrics:
    """Hold every metric of one process, on a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.lateness = Histogram(
            "heyday_lateness_seconds",
            "From the scheduled instant to the start of the first attempt.",
            ["message_type"],
            buckets=_LATENESS_BUCKETS,
            registry=self.registry,
        )
        self.attempts = Counter(
            "heyday_attempts_total",
            "Attempts by outcome.",
            ["message_type", "outcome"],
            registry=self.registry,
        )
        self.fenced = Counter(
            "heyday_fenced_total",
            "Outcomes not written because another worker held the row by then.",
            registry=self.registry,
        )
        self.illegal_moves = Counter(
            "heyday_illegal_moves_total",
            "Changes of status that were asked for and are not legal.",
            ["source", "target"],
            registry=self.registry,
        )
        self.job_runs = Counter(
            "heyday_job_runs_total",
            "Scheduler runs by result.",
            ["job", "result"],
            registry=self.registry,
        )
        self._declare_api()
        self._declare_gate()
        self._declare_bursts()
        self._declare_clocks()

    def _declare_api(self) -> None:
        self.api_refused = Counter(
            "heyday_api_refused_total",
            "Requests refused as too many came from one address or with one key.",
            ["counted", "whose"],
            registry=self.registry,
        )
        self.api_strangers = Counter(
            "heyday_api_strangers_total",
            "Requests refused for want of a valid key, by what came in its place.",
            ["given"],
            registry=self.registry,
        )
        self.provider_events = Counter(
            "heyday_provider_events_total",
            "Events of letters that providers told and that were not known, by kind.",
            ["provider", "kind"],
            registry=self.registry,
        )
        self.webhooks_refused = Counter(
            "heyday_webhooks_refused_total",
            "Requests at a webhook that were not taken: no signature of its provider, or unclear.",
            ["provider"],
            registry=self.registry,
        )
        self.redis_away = Gauge(
            "heyday_redis_away",
            "1 while Redis cannot be asked and this process counts by itself, else 0.",
            registry=self.registry,
        )

    def _declare_gate(self) -> None:
        self.attempts_by_sender = Counter(
            "heyday_sender_attempts_total",
            "Attempts to send, by sender and outcome.",
            ["sender", "outcome"],
            registry=self.registry,
        )
        self.breaker_state = Gauge(
            "heyday_breaker_state",
            "Whether this process calls the provider: 0 yes, 1 one call at a time, 2 no.",
            ["provider"],
            registry=self.registry,
        )
        self.breaker_openings = Counter(
            "heyday_breaker_openings_total",
            "How often this process stopped calling the provider.",
            ["provider"],
            registry=self.registry,
        )
        self.held_back = Counter(
            "heyday_held_back_total",
            "Calls that had to wait or were put off, by what held them.",
            ["provider", "by"],
            registry=self.registry,
        )
        self.rate_limited = Counter(
            "heyday_rate_limited_total",
            "Answers that said we call too often.",
            ["provider"],
            registry=self.registry,
        )
        self.pace = Gauge(
            "heyday_pace",
            "Greetings a second that all workers together may send, as last heard; +Inf: no limit.",
            ["provider"],
            registry=self.registry,
        )

    def _declare_bursts(self) -> None:
        self.day_cap = Gauge(
            "heyday_day_cap",
            "Greetings that all workers together may send today (UTC).",
            ["provider"],
            registry=self.registry,
        )
        self.day_left = Gauge(
            "heyday_day_left",
            "Greetings that are left of it, as last heard.",
            ["provider"],
            registry=self.registry,
        )
        self.domain_put_off = Counter(
            "heyday_domain_put_off_total",
            "Greetings put off for a limit of HEYDAY_DOMAIN_LIMITS, by its first domain.",
            ["domain"],
            registry=self.registry,
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
        self.oldest_transaction = gauge(
            "heyday_oldest_transaction_seconds",
            "For how long the oldest transaction in PostgreSQL has kept dead rows.",
        )


def configure_logging(level: str, *, as_json: bool) -> None:
    """Send structured logs to standard error, one line an event."""
    is_seen = sys.stderr.isatty()
    as_text = structlog.dev.ConsoleRenderer() if is_seen else render_line
    render = structlog.processors.JSONRenderer() if as_json else as_text
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    set_on_retry_hooks([_note_retry])
    # They tell of each lost connection in a traceback; Heyday tells of it in a line.
    for name in ("aio_pika", "aiormq"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def render_line(_logger: object, _method: str, event: EventDict) -> str:
    """Render an event as structlog's ConsoleRenderer does, without colours, at a tenth of its cost.

    The API writes a line for each request.
    """
    at, level, name = event.pop("timestamp", ""), event.pop("level", ""), event.pop("event", "")
    trace = event.pop("exception", None)
    fields = " ".join([f"{key}={_shown(value)}" for key, value in sorted(event.items())])
    line = f"{at} [{level:<9}] {name:<30} {fields}".rstrip()
    return f"{line}\n{trace}" if trace else line


def _shown(value: object) -> str:
    """Return a value as it is, or quoted where it would not end at the next blank."""
    return value if isinstance(value, str) and _PLAIN.fullmatch(value) else repr(value)


def _note_retry(details: RetryDetails) -> None:
    """Log another try. What is tried and why it failed may hold personal data: the kind alone."""
    log.debug("retrying", error=type(details.caused_by).__name__, number=details.retry_num)
