"""Greet with Dramatiq: delayed messages, RabbitMQ."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import dramatiq
from dramatiq.brokers.rabbitmq import RabbitmqBroker

from benchmarks.peers.programs import place

_PUBLISHERS = 16
_posting = place.Posting()

broker = RabbitmqBroker(url=place.SERVER)
dramatiq.set_broker(broker)


@dramatiq.actor
def greet(email: str, message: str, key: str) -> None:
    """Greet one person."""
    _posting.post(email, message, key)


def enqueue(many: int, due_at: datetime) -> None:
    """Publish messages over some connections at once: each waits for its confirm."""
    # Workers have it off, as it comes: they publish each message again when it is due.
    broker.confirm_delivery = True
    with ThreadPoolExecutor(_PUBLISHERS) as pool:
        starts = range(0, many, -(-many // _PUBLISHERS))
        for done in [pool.submit(_publish, starts, at, many, due_at) for at in starts]:
            done.result()


def _publish(starts: range, first: int, many: int, due_at: datetime) -> None:
    for greeting in place.greetings(first, min(first + starts.step, many)):
        # A millisecond more: what is left of one would make it early.
        delay = int(place.until(due_at).total_seconds() * 1000) + 1
        greet.send_with_options(args=greeting, delay=delay)
