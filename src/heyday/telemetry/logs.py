"""Set up logs. docs/telemetry.md catalogues each event."""

import logging
import re
import sys

import structlog
from stamina.instrumentation import RetryDetails, set_on_retry_hooks
from structlog.typing import EventDict

log = structlog.get_logger()

_PLAIN = re.compile(r"[^\s=\"\[\]\\]*", re.ASCII)


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
    for name in ("aio_pika", "aiormq", "asyncpg"):
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
