"""Serve the queue between schedulers and workers, and what it set aside: /api/v1/queue."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

from litestar import delete, get, post
from litestar.exceptions import ValidationException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter
from litestar.status_codes import HTTP_204_NO_CONTENT
from msgspec import Meta, Struct

from heyday.api.route_options import route
from heyday.domain.access import Scope
from heyday.domain.errors import Conflict, DeadBatchNotFound, TransportError
from heyday.domain.queue_ports import AGES, DeadBatch, TransportName
from heyday.services.queueing import QueueService, QueueState

QUEUE = "/api/v1/queue"
DEAD_LETTERS = f"{QUEUE}/dead-letters"
LONGEST_PAGE = 1000
USUAL_PAGE = 50

_INSTANT = Meta(examples=["2027-01-14T09:00:00Z"])
_BATCH = Meta(examples=["b5c1f0de-3a64-4d0b-9f3e-1c2b7a9d8e10"])
_MESSAGE = Meta(examples=["6f1d3a52-4a09-4d0b-9f3e-1c2b7a9d8e10"])

Limit = Annotated[int, QueryParameter(ge=1, le=LONGEST_PAGE, description="How many at the most.")]


class QueuedAge(Struct, frozen=True):
    """Count queued messages that have been due for at least so long, and less than the next."""

    due_for_seconds: Annotated[int, Meta(ge=0, examples=[60])]
    messages: Annotated[int, Meta(ge=0, examples=[12])]


class ShownDay(Struct, frozen=True):
    """Tell how much of today's cap is used; today as UTC has it.

    used: with what workers hold at the moment.   opens_at: null while something is left.
    """

    provider: Annotated[str, Meta(examples=["smtp"])]
    cap: Annotated[int, Meta(ge=0, examples=[50000])]
    used: Annotated[int, Meta(ge=0, examples=[50000])]
    opens_at: Annotated[datetime, _INSTANT] | None


class ShownQueue(Struct, frozen=True):
    """Tell how much is on its way.

    transport: what carries batches; null while it does not answer, as are the three after it.
    waiting_batches: workers could take them now.   workers: that ask for batches; null where
    PostgreSQL carries them, which does not know.   dead_letters: batches set aside.
    coming: queued, and not yet due.   queued: queued and due, by age.   sending: with a worker.
    oldest_due_at: of all that is queued or being sent.   days: of
    providers for which they are capped.
    """

    transport: Annotated[TransportName, Meta(examples=["rabbitmq"])] | None
    waiting_batches: Annotated[int, Meta(ge=0, examples=[3])] | None
    workers: Annotated[int, Meta(ge=0, examples=[2])] | None
    dead_letters: Annotated[int, Meta(ge=0, examples=[0])] | None
    coming: Annotated[int, Meta(ge=0, examples=[450])]
    queued: list[QueuedAge]
    sending: Annotated[int, Meta(ge=0, examples=[64])]
    oldest_due_at: Annotated[datetime, _INSTANT] | None
    days: list[ShownDay]


class DeadLetter(Struct, frozen=True):
    """Show what was set aside: a batch that failed again and again, or what is no batch.

    id: empty if it was put there without one.   bytes: of its body, where it has one.
    """

    id: Annotated[str, _BATCH]
    reason: Annotated[str, Meta(examples=["delivered 20 times"])]
    died_at: Annotated[datetime, _INSTANT] | None
    bytes: Annotated[int, Meta(ge=0, examples=[19240])] | None
    batch_id: Annotated[UUID, _BATCH] | None
    due_at: Annotated[datetime, _INSTANT] | None
    message_ids: list[Annotated[UUID, _MESSAGE]]


class DeadLetterList(Struct, frozen=True):
    """Show what was set aside, the oldest first. is_more: there is more than the limit."""

    items: list[DeadLetter]
    is_more: Annotated[bool, Meta(examples=[False])]


class QueueRoutes:
    """Bind the routes of the queue to the service."""

    def __init__(self, queue: QueueService) -> None:
        self._queue = queue

    def handlers(self) -> Sequence[HTTPRouteHandler]:
        """Return the route handlers."""
        options, item = partial(route, "Queue"), f"{DEAD_LETTERS}/{{dead_id:str}}"
        read, write, admin = Scope.MESSAGES_READ, Scope.MESSAGES_WRITE, Scope.ADMIN
        dead = (DeadBatchNotFound, TransportError)
        return [
            get(QUEUE, **options(read, "How much is on its way"))(self.show_queue),
            get(
                DEAD_LETTERS,
                **options(read, "List what was set aside", ValidationException, TransportError),
            )(self.list_dead_letters),
            post(
                f"{item}/requeue",
                status_code=HTTP_204_NO_CONTENT,
                **options(write, "Have it delivered again", Conflict, *dead),
            )(self.requeue_dead_letter),
            delete(item, **options(admin, "Delete what was set aside", *dead))(
                self.delete_dead_letter
            ),
        ]

    async def show_queue(self) -> ShownQueue:
        """Tell how much is on its way, and for how long it has been due.

        Messages are counted by their rows, so that the answer is there also while RabbitMQ is not.
        """
        return _shown(await self._queue.look())

    async def list_dead_letters(self, limit: Limit = USUAL_PAGE) -> DeadLetterList:
        """List batches that failed again and again, and what is no batch; the oldest first.

        No message is lost by it: one that is still QUEUED is handed over in another batch.
        """
        found = await self._queue.list_dead(limit + 1)
        return DeadLetterList([_shown_dead(each) for each in found[:limit]], bool(found[limit:]))

    async def requeue_dead_letter(self, dead_id: FromPath[str]) -> None:
        """Have a batch delivered again; once its cause is gone, for else it comes back here.

        A message that has left meanwhile does not leave again.
        """
        await self._queue.requeue(dead_id)

    async def delete_dead_letter(self, dead_id: FromPath[str]) -> None:
        """Delete it for good. Its messages are not: what is still QUEUED is handed over anew."""
        await self._queue.delete(dead_id)


def _shown(state: QueueState) -> ShownQueue:
    depth, on_the_way = state.depth, state.on_the_way
    ages = zip(AGES, on_the_way.queued, strict=True)
    return ShownQueue(
        transport=depth.transport if depth else None,
        waiting_batches=depth.waiting if depth else None,
        workers=depth.workers if depth else None,
        dead_letters=depth.dead if depth else None,
        coming=on_the_way.coming,
        queued=[QueuedAge(int(age.total_seconds()), count) for age, count in ages],
        sending=on_the_way.sending,
        oldest_due_at=on_the_way.oldest_due_at,
        days=[ShownDay(day.provider, day.cap, day.used, day.opens_at) for day in state.days],
    )


def _shown_dead(each: DeadBatch) -> DeadLetter:
    return DeadLetter(
        id=each.id,
        reason=each.reason,
        died_at=each.died_at,
        bytes=each.size,
        batch_id=each.batch.id if each.batch else None,
        due_at=each.batch.due_at if each.batch else None,
        message_ids=list(each.batch.message_ids) if each.batch else [],
    )
