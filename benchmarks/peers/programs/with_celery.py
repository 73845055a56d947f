"""Greet with Celery: tasks with an ETA, RabbitMQ, threads."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from celery import Celery

from benchmarks.peers.programs import place

_PUBLISHERS = 16
_posting = place.Posting()

app = Celery("peers", broker=place.SERVER)
app.conf.update(
    # Nobody asks for results.
    task_ignore_result=True,
    # A task whose worker dies is done again: the provider knows its key.
    task_acks_late=True,
    worker_prefetch_multiplier=64,
    broker_transport_options={"confirm_publish": True},
    broker_pool_limit=_PUBLISHERS,
)


@app.task
def greet(email: str, message: str, key: str) -> None:
    """Greet one person."""
    _posting.post(email, message, key)


def enqueue(many: int, due_at: datetime) -> None:
    """Publish tasks over some connections at once: each waits for its confirm."""
    with ThreadPoolExecutor(_PUBLISHERS) as pool:
        starts = range(0, many, -(-many // _PUBLISHERS))
        for done in [pool.submit(_publish, starts, at, many, due_at) for at in starts]:
            done.result()


def _publish(starts: range, first: int, many: int, due_at: datetime) -> None:
    with app.producer_or_acquire() as producer:
        for greeting in place.greetings(first, min(first + starts.step, many)):
            greet.apply_async(greeting, eta=due_at, producer=producer)
