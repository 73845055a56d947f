"""Follow what goes on, where a collector is set."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from heyday.domain.errors import ConfigurationError
from heyday.domain.queue_ports import TransportName
from heyday.queue.config import QUEUE
from heyday.settings import Settings
from heyday.telemetry.traces import TRACER

# In its table; in RabbitMQ it is the queue's name.
_BATCHES = "queue_batches"


@asynccontextmanager
async def followed(settings: Settings) -> AsyncIterator[None]:
    """Have a collector told of all that is started meanwhile; of nothing if none is set.

    Raises ConfigurationError if what tells it is not installed.
    """
    if not settings.traces_url:
        yield
        return
    try:
        from heyday.telemetry.otlp import Carrier, OtlpTracer  # noqa: PLC0415 - only if wanted
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"HEYDAY_TRACES_URL is set, and OpenTelemetry is not installed here ({error.name} is "
            "missing). Install it: pip install 'heyday[traces]', or in a checkout as "
            "docs/telemetry.md says; or leave HEYDAY_TRACES_URL empty"
        ) from None
    carrier = Carrier(TransportName.POSTGRESQL.value, _BATCHES)
    if settings.rabbitmq_urls:
        carrier = Carrier(TransportName.RABBITMQ.value, QUEUE)
    tracer = OtlpTracer(settings.traces_url, settings.traces_share, carrier)
    before = TRACER.set(tracer)
    try:
        yield
    finally:
        TRACER.reset(before)
        await tracer.close()
