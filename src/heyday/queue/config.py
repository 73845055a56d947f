"""Name what Heyday has in RabbitMQ, and set how it deals with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

EXCHANGE = "heyday.messages"
QUEUE = "heyday.messages"
DEAD_EXCHANGE = "heyday.dlx"
DEAD_QUEUE = "heyday.messages.dead"
ROUTING_KEY = "batch.due"
MARK = "heyday.mark"
"""An exchange to which nobody publishes: RabbitMQ deletes it with the queue that is bound to it."""
_EVERY_BATCH = "batch.*"
_EVERYTHING = "#"

DELIVERY_LIMIT = 20
"""How often a batch is delivered before it is set aside."""

# Of the queue of what was set aside: to look into it is a delivery as well.
_NO_LIMIT = 1_000_000_000


@dataclass(frozen=True, slots=True)
class ExchangeDefinition:
    """Define one exchange; all are durable."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class QueueDefinition:
    """Define one queue, and what is bound to it; all are durable."""

    name: str
    arguments: Mapping[str, Any]
    exchange: str
    routing_key: str


EXCHANGES: Sequence[ExchangeDefinition] = (
    ExchangeDefinition(DEAD_EXCHANGE, "topic"),
    ExchangeDefinition(EXCHANGE, "topic"),
)
QUEUES: Sequence[QueueDefinition] = (
    QueueDefinition(
        DEAD_QUEUE,
        {"x-queue-type": "quorum", "x-delivery-limit": _NO_LIMIT},
        DEAD_EXCHANGE,
        _EVERYTHING,
    ),
    QueueDefinition(
        QUEUE,
        {
            "x-queue-type": "quorum",
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-dead-letter-exchange": DEAD_EXCHANGE,
            # A batch leaves this queue only once the other one has confirmed it, which RabbitMQ
            # does for queues alone that refuse what is too much instead of dropping it.
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        },
        EXCHANGE,
        _EVERY_BATCH,
    ),
)
"""What is declared at each connection, in this order; `heyday queue topology` prints it."""


@dataclass(frozen=True, slots=True)
class QueueConfig:
    """Set where RabbitMQ is, and how long to wait for what.

    urls: one for each node; any of them will do.   prefetch: batches that a consumer holds.
    window: publishes whose confirm is outstanding.   confirm_timeout: for one confirm.
    patience: how long to publish again what was not confirmed.   pause: after a connection that
    could not be had, doubled up to longest_pause.
    """

    urls: Sequence[str]
    prefetch: int = 32
    window: int = 64
    confirm_timeout: timedelta = timedelta(seconds=5)
    patience: timedelta = timedelta(seconds=10)
    connect_timeout: timedelta = timedelta(seconds=3)
    heartbeat: timedelta = timedelta(seconds=10)
    pause: timedelta = timedelta(milliseconds=100)
    longest_pause: timedelta = timedelta(seconds=2)
