"""Serve messages at /api/v1/messages: where each greeting stands, and what a person decides."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.exceptions import ValidationException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.status_codes import HTTP_200_OK

from heyday.api.bodies import ObjectBody
from heyday.api.decisions import read_cancellation, read_resolution
from heyday.api.message_shapes import (
    Cancellation,
    MessageHistory,
    MessagePage,
    Resolution,
    shown_history,
    shown_message,
)
from heyday.api.parameters import instant, read_instant, read_place
from heyday.api.refusals import BODY
from heyday.api.route_options import route
from heyday.domain.access import Scope
from heyday.domain.errors import IllegalMove, MessageNotFound
from heyday.domain.message_filters import PLACE, MessageFilter, Place
from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.ports import Clock
from heyday.domain.resolutions import GreetingRow
from heyday.domain.transitions import Status
from heyday.services.resolving import ResolutionService

MESSAGES = "/api/v1/messages"
LONGEST_PAGE = 200
USUAL_PAGE = 50

_TYPE_NAMES = [message_type.name for message_type in MESSAGE_TYPES]

OfType = Annotated[
    str | None, QueryParameter(pattern=f"^({'|'.join(_TYPE_NAMES)})$", description="A type alone.")
]
OfUser = Annotated[UUID | None, QueryParameter(description="The messages of one person.")]
OfDoubt = Annotated[
    bool | None,
    QueryParameter(description="With an attempt of which nobody can say how it ended, or without."),
]
DeliveredFrom = Annotated[
    date | None, QueryParameter(description="Delivered on this date, the person's own, or later.")
]
DeliveredTo = Annotated[
    date | None, QueryParameter(description="Delivered on this date, the person's own, or earlier.")
]
ScheduledFrom = Annotated[str | None, instant("Scheduled at this instant or later.")]
ScheduledTo = Annotated[str | None, instant("Scheduled before this instant.")]
After = Annotated[
    str | None, QueryParameter(pattern=PLACE, description="`next` of the page before.")
]
Limit = Annotated[int, QueryParameter(ge=1, le=LONGEST_PAGE, description="Messages on a page.")]


class MessageRoutes:
    """Bind the routes of messages to the service."""

    def __init__(self, messages: ResolutionService, clock: Clock) -> None:
        self._messages = messages
        self._clock = clock

    def handlers(self) -> Sequence[HTTPRouteHandler]:
        """Return the route handlers."""
        item, options = f"{MESSAGES}/{{message_id:uuid}}", partial(route, "Messages")
        read, write = Scope.MESSAGES_READ, Scope.MESSAGES_WRITE
        return [
            get(MESSAGES, **options(read, "List messages", ValidationException))(
                self.list_messages
            ),
            get(item, **options(read, "Show a message and its timeline", MessageNotFound))(
                self.show_message
            ),
            post(
                f"{item}/retry",
                status_code=HTTP_200_OK,
                **options(write, "Send a message again", MessageNotFound, IllegalMove),
            )(self.retry_message),
            post(
                f"{item}/cancel",
                dto=ObjectBody[Cancellation],
                return_dto=None,
                status_code=HTTP_200_OK,
                **options(write, "Cancel a message", MessageNotFound, IllegalMove, *BODY),
            )(self.cancel_message),
            post(
                f"{item}/resolve",
                dto=ObjectBody[Resolution],
                return_dto=None,
                status_code=HTTP_200_OK,
                **options(write, "Settle a message", MessageNotFound, IllegalMove, *BODY),
            )(self.resolve_message),
        ]

    async def list_messages(  # noqa: PLR0913, PLR0917 - one parameter for each filter
        self,
        status: FromQuery[Status | None] = None,
        message_type: OfType = None,
        user_id: OfUser = None,
        is_ambiguous: OfDoubt = None,
        delivery_date_from: DeliveredFrom = None,
        delivery_date_to: DeliveredTo = None,
        scheduled_send_time_from: ScheduledFrom = None,
        scheduled_send_time_to: ScheduledTo = None,
        limit: Limit = USUAL_PAGE,
        after: After = None,
    ) -> MessagePage:
        """List messages in order of their instant, without names, addresses and texts.

        Where nothing bounds its beginning, the list begins 31 days back; it is whole for one
        person, and for what is UNKNOWN, which waits for a decision. Give `next` of a page as
        `after`, with the same filters, to get the next one.
        """
        wanted = MessageFilter(
            status=status,
            message_type=message_type,
            user_id=user_id,
            is_ambiguous=is_ambiguous,
            scheduled_from=read_instant("scheduled_send_time_from", scheduled_send_time_from),
            scheduled_until=read_instant("scheduled_send_time_to", scheduled_send_time_to),
            delivered_from=delivery_date_from,
            delivered_to=delivery_date_to,
        ).bounded(self._clock.now())
        rows = await self._messages.list_page(wanted, read_place("after", after), limit + 1)
        return _page(rows, limit, wanted)

    async def show_message(self, message_id: FromPath[UUID]) -> MessageHistory:
        """Show a message with its timeline, and each attempt that was not a first success."""
        return shown_history(await self._messages.get_history(str(message_id)))

    async def retry_message(self, message_id: FromPath[UUID]) -> MessageHistory:
        """Send a message again that is UNKNOWN: the same letter, at once.

        Look into the provider's own records first: if it has the idempotency key, the letter was
        taken. One that is FAILED is tried once more if none of its attempts was ambiguous. The
        claim looks at the person as ever. It is refused once the late window is over.
        """
        return shown_history(await self._messages.decide(message_id, Status.RETRYING, None))

    async def cancel_message(
        self, message_id: FromPath[UUID], data: JSONBody[Mapping[str, object]]
    ) -> MessageHistory:
        """Cancel a message for good that nobody is sending yet: no edit or sweep brings it back."""
        decision = read_cancellation(data)
        return shown_history(
            await self._messages.decide(message_id, decision.target, decision.note)
        )

    async def resolve_message(
        self, message_id: FromPath[UUID], data: JSONBody[Mapping[str, object]]
    ) -> MessageHistory:
        """Settle a message that is UNKNOWN, as the provider's own records show it."""
        decision = read_resolution(data)
        return shown_history(
            await self._messages.decide(message_id, decision.target, decision.note)
        )


def _page(rows: Sequence[GreetingRow], limit: int, wanted: MessageFilter) -> MessagePage:
    page = rows[:limit]
    last = page[-1] if rows[limit:] else None
    assert wanted.scheduled_from is not None  # noqa: S101 - the filter is bounded
    return MessagePage(
        items=[shown_message(row) for row in page],
        next=str(Place(last.scheduled_send_at, last.id)) if last else None,
        scheduled_send_time_from=wanted.scheduled_from,
    )
